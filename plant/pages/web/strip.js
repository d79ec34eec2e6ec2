/* The underbody: a long picture in tiles, of which those are fetched that are seen. */
(function () {
  "use strict";
  const inspection = (window.Inspection = window.Inspection || {});
  const ZOOM_MAX = 1.5; // pixels of the screen for one of the picture

  inspection.strip = function (root, data) {
    const view = root.querySelector(".view");
    const layer = root.querySelector(".tiles");
    const tiles = new Map();
    const state = { scale: 0, x: 0, y: 0 };

    const least = () => Math.min(view.clientHeight / data.height, view.clientWidth / data.width);
    const fit = () => Math.max(view.clientHeight / data.height, least());

    function place() {
      if (!view.clientWidth) return;
      const [width, height] = [data.width * state.scale, data.height * state.scale];
      const [roomX, roomY] = [view.clientWidth - width, view.clientHeight - height];
      state.x = roomX > 0 ? roomX / 2 : Math.min(Math.max(state.x, roomX), 0);
      state.y = roomY > 0 ? roomY / 2 : Math.min(Math.max(state.y, roomY), 0);
      layer.style.transform = `translate(${state.x}px, ${state.y}px) scale(${state.scale})`;
      view.dataset.scale = state.scale.toFixed(4);
      view.dataset.x = state.x.toFixed(0);
      const sharp = state.scale * (window.devicePixelRatio || 1);
      let level = data.levels.findIndex((one) => one.width >= data.width * sharp * 0.9);
      if (level < 0) level = data.levels.length - 1;
      fill(0);
      if (level) fill(level);
      view.dataset.level = String(level);
    }

    function fill(number) {
      const level = data.levels[number];
      const factor = data.width / level.width;
      const side = data.tile * factor * state.scale;
      const range = (start, room, count) => {
        const first = Math.max(Math.floor(-start / side), 0);
        return [first, Math.min(Math.ceil((room - start) / side), count)];
      };
      const [left, right] = range(state.x, view.clientWidth, level.columns);
      const [top, bottom] = range(state.y, view.clientHeight, level.rows);
      for (let row = top; row < bottom; row += 1) {
        for (let column = left; column < right; column += 1) {
          const key = `${number}/${row}_${column}`;
          if (!tiles.has(key)) tiles.set(key, tile(key, level, factor, row, column, number));
        }
      }
    }

    function tile(key, level, factor, row, column, number) {
      const image = new Image();
      image.alt = "";
      image.draggable = false;
      image.src = `${data.folder}/${key}.webp`;
      const width = Math.min(data.tile, level.width - column * data.tile);
      const height = Math.min(data.tile, level.height - row * data.tile);
      // A pixel more than their own: no seam shows between neighbours.
      Object.assign(image.style, {
        left: `${column * data.tile * factor}px`, top: `${row * data.tile * factor}px`,
        width: `${(width + 0.6) * factor}px`, height: `${(height + 0.6) * factor}px`,
        zIndex: String(number),
      });
      layer.append(image);
      return image;
    }

    function zoomTo(scale, clientX, clientY) {
      const box = view.getBoundingClientRect();
      const before = state.scale;
      state.scale = Math.min(Math.max(scale, least()), ZOOM_MAX);
      const x = clientX === undefined ? box.width / 2 : clientX - box.left;
      const y = clientY === undefined ? box.height / 2 : clientY - box.top;
      state.x = x - ((x - state.x) * state.scale) / before;
      state.y = y - ((y - state.y) * state.scale) / before;
      place();
    }

    function pan(x, y) {
      state.x += x;
      state.y += y;
      place();
    }

    const fingers = new Map();
    let gap = 0;
    const spread = () => {
      const [one, two] = [...fingers.values()];
      return { gap: Math.hypot(one.x - two.x, one.y - two.y), x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 };
    };
    view.addEventListener("pointerdown", (event) => {
      view.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      gap = fingers.size === 2 ? spread().gap : 0;
      view.classList.add("held");
    });
    view.addEventListener("pointermove", (event) => {
      const finger = fingers.get(event.pointerId);
      if (!finger) return;
      const [x, y] = [event.clientX - finger.x, event.clientY - finger.y];
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (fingers.size === 2) {
        const now = spread();
        if (gap) zoomTo((state.scale * now.gap) / gap, now.x, now.y);
        gap = now.gap;
      } else {
        pan(x, y);
      }
    });
    for (const name of ["pointerup", "pointercancel"]) {
      view.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        if (!fingers.size) view.classList.remove("held");
      });
    }
    view.addEventListener("wheel", (event) => {
      if (event.ctrlKey || document.fullscreenElement) {
        event.preventDefault();
        zoomTo(state.scale * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
      } else if (event.deltaX || event.shiftKey) {
        event.preventDefault();
        pan(-(event.deltaX || event.deltaY), 0);
      }
    }, { passive: false });
    view.addEventListener("dblclick", (event) => zoomTo(state.scale * 2, event.clientX, event.clientY));
    const keys = {
      ArrowRight: () => pan(-100, 0),
      ArrowLeft: () => pan(100, 0),
      ArrowUp: () => pan(0, 100),
      ArrowDown: () => pan(0, -100),
      Home: () => { state.x = 0; zoomTo(fit()); },
      "+": () => zoomTo(state.scale * 1.4),
      "=": () => zoomTo(state.scale * 1.4),
      "-": () => zoomTo(state.scale / 1.4),
      0: () => zoomTo(least()),
    };
    view.addEventListener("keydown", (event) => {
      const act = !event.ctrlKey && !event.metaKey && keys[event.key];
      if (!act) return;
      act();
      event.preventDefault();
    });
    root.querySelector("[data-do=nearer]").addEventListener("click", () => zoomTo(state.scale * 1.4));
    root.querySelector("[data-do=farther]").addEventListener("click", () => zoomTo(state.scale / 1.4));
    layer.style.width = `${data.width}px`;
    layer.style.height = `${data.height}px`;
    new ResizeObserver(() => {
      if (view.clientWidth) zoomTo(state.scale || fit());
    }).observe(view);
    return {
      open() {
        if (!state.scale) state.scale = fit();
        place();
      },
    };
  };
})();
