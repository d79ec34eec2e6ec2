/* The interior: six pictures as the faces of a cube, seen from its middle. */
(function () {
  "use strict";
  const inspection = (window.Inspection = window.Inspection || {});
  const SIDE = 1000; // of the cube, in pixels of its own; only its share of the window counts
  const FIELD = { min: 35, max: 110, start: 90 }; // degrees from left to right, or top to bottom
  const PLACES = {
    front: "", right: "rotateY(-90deg)", back: "rotateY(180deg)", left: "rotateY(90deg)",
    up: "rotateX(-90deg)", down: "rotateX(90deg)",
  };

  inspection.panorama = function (root, data) {
    const view = root.querySelector(".view");
    const cube = root.querySelector(".cube");
    const state = { yaw: 0, pitch: 0, field: FIELD.start, begun: false };

    function place() {
      const larger = Math.max(view.clientWidth, view.clientHeight);
      const far = larger / 2 / Math.tan((state.field * Math.PI) / 360);
      cube.style.transform =
        `translate(${view.clientWidth / 2}px, ${view.clientHeight / 2}px) perspective(${far}px) ` +
        `translateZ(${far}px) rotateX(${state.pitch}deg) rotateY(${state.yaw}deg)`;
      view.dataset.yaw = state.yaw.toFixed(1);
      view.dataset.pitch = state.pitch.toFixed(1);
      view.dataset.field = state.field.toFixed(1);
    }

    function look(yaw, pitch) {
      const around = ((yaw % 360) + 360) % 360; // 0 to 360, told as -180 to 180
      state.yaw = around > 180.001 ? around - 360 : around;
      state.pitch = Math.min(Math.max(pitch, -85), 85);
      place();
    }

    function zoom(share) {
      state.field = Math.min(Math.max(state.field * share, FIELD.min), FIELD.max);
      place();
    }

    function choose(number) {
      cube.replaceChildren();
      view.dataset.loaded = "0";
      for (const [name, turned] of Object.entries(PLACES)) {
        const face = new Image(SIDE, SIDE);
        face.alt = "";
        face.draggable = false;
        face.style.transform = `translate(-50%, -50%) ${turned} translateZ(${-SIDE / 2 + 0.5}px)`;
        face.src = data[number].low[name];
        face.decode().then(() => {
          view.dataset.loaded = String(Number(view.dataset.loaded) + 1);
          const better = new Image();
          better.src = data[number].high[name];
          return better.decode().then(() => { if (face.isConnected) face.src = better.src; });
        }).catch(() => undefined);
        cube.append(face);
      }
      look(0, 0);
    }

    const fingers = new Map();
    let gap = 0;
    const spread = () => {
      const [one, two] = [...fingers.values()];
      return Math.hypot(one.x - two.x, one.y - two.y);
    };
    view.addEventListener("pointerdown", (event) => {
      view.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      gap = fingers.size === 2 ? spread() : 0;
      view.classList.add("held");
    });
    view.addEventListener("pointermove", (event) => {
      const finger = fingers.get(event.pointerId);
      if (!finger) return;
      const degrees = state.field / Math.max(view.clientWidth, view.clientHeight);
      const [x, y] = [event.clientX - finger.x, event.clientY - finger.y];
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (fingers.size === 2) {
        const now = spread();
        if (gap) zoom(gap / now);
        gap = now;
      } else {
        look(state.yaw - x * degrees, state.pitch + y * degrees);
      }
    });
    for (const name of ["pointerup", "pointercancel"]) {
      view.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        if (!fingers.size) view.classList.remove("held");
      });
    }
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !document.fullscreenElement) return;
      event.preventDefault();
      zoom(Math.exp(event.deltaY / 400));
    }, { passive: false });
    const keys = {
      ArrowRight: () => look(state.yaw + 10, state.pitch),
      ArrowLeft: () => look(state.yaw - 10, state.pitch),
      ArrowUp: () => look(state.yaw, state.pitch + 10),
      ArrowDown: () => look(state.yaw, state.pitch - 10),
      Home: () => look(0, 0),
      "+": () => zoom(1 / 1.2),
      "=": () => zoom(1 / 1.2),
      "-": () => zoom(1.2),
    };
    view.addEventListener("keydown", (event) => {
      const act = !event.ctrlKey && !event.metaKey && keys[event.key];
      if (!act) return;
      act();
      event.preventDefault();
    });
    root.querySelector("[data-do=nearer]").addEventListener("click", () => zoom(1 / 1.2));
    root.querySelector("[data-do=farther]").addEventListener("click", () => zoom(1.2));
    const seats = [...root.querySelectorAll("[data-seat]")];
    for (const seat of seats) {
      seat.addEventListener("click", () => {
        for (const one of seats) one.setAttribute("aria-pressed", String(one === seat));
        choose(Number(seat.dataset.seat));
      });
    }
    new ResizeObserver(place).observe(view);
    return {
      open() {
        if (!state.begun) choose(0);
        state.begun = true;
        place();
      },
    };
  };
})();
