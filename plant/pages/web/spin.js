/* The turn: one <img> for each frame, of which one is seen. Drag, keys, touch, zoom, autoplay. */
(function () {
  "use strict";
  const inspection = (window.Inspection = window.Inspection || {});
  const TURN_S = 12; // of autoplay
  const STEP_MS_MAX = 100; // of it, from one picture to the next: a busy machine skips none
  const ZOOM_MAX = 6;
  const FULL_FROM = 1.25; // zoom from which the picture as delivered is shown
  const AT_ONCE = 4;
  const DRAG_FROM = 4; // pixels

  /** The frames in the order in which they are fetched: the first, then every n-th, then all. */
  function order(count, first) {
    const seen = new Set([first]);
    for (const stride of [Math.max(Math.round(count / 4), 1), Math.max(Math.round(count / 12), 1), 1]) {
      for (let step = 0; step < count; step += stride) seen.add((first + step) % count);
    }
    return [...seen];
  }

  function away(a, b) {
    const gap = Math.abs(a - b) % 360;
    return Math.min(gap, 360 - gap);
  }

  inspection.spin = function (root, data, texts, isCalm) {
    const view = root.querySelector(".view");
    const layer = root.querySelector(".layer");
    const dial = root.querySelector(".dial input");
    const ring = root.querySelector(".ring");
    const arc = ring.querySelector(".arc");
    const play = root.querySelector("[data-do=play]");
    const frames = data.frames;
    const images = frames.map(() => null);
    const state = {
      angle: frames[data.first].angle, shown: data.first, loaded: 0, failed: 0,
      scale: 1, x: 0, y: 0, playing: false, whole: false,
    };
    const ready = frames.map(() => false);
    const markers = [];
    let full = null;
    let fullTimer = 0;
    let clock = 0;

    function nearest(angle, usable) {
      let best = -1;
      for (let index = 0; index < frames.length; index += 1) {
        if (usable && !usable[index]) continue;
        if (best < 0 || away(frames[index].angle, angle) < away(frames[best].angle, angle)) best = index;
      }
      return best;
    }

    function show() {
      const wanted = nearest(state.angle);
      const seen = nearest(state.angle, ready);
      if (seen >= 0 && seen !== state.shown) {
        if (images[state.shown]) images[state.shown].classList.remove("on");
        images[seen].classList.add("on");
        state.shown = seen;
        drop();
      }
      view.dataset.frame = String(wanted);
      view.dataset.shown = String(state.shown);
      dial.value = String(wanted);
      dial.setAttribute("aria-valuetext", frames[wanted].label);
      root.querySelector(".angle").textContent = frames[wanted].label;
      for (const marker of markers) marker.node.hidden = marker.frame !== wanted || seen !== wanted;
      sharpen();
    }

    function turnTo(angle) {
      state.angle = ((angle % 360) + 360) % 360;
      show();
    }

    function step(count) {
      stop();
      const index = (nearest(state.angle) + count + frames.length) % frames.length;
      turnTo(frames[index].angle);
    }

    /* -- loading ---------------------------------------------------------------------------- */
    function progress() {
      const share = (state.loaded + state.failed) / frames.length;
      arc.style.strokeDashoffset = String(100 - 100 * share);
      ring.setAttribute("aria-valuenow", String(Math.round(100 * share)));
      if (share < 1) return;
      state.whole = true;
      ring.hidden = true;
      view.dataset.whole = "true";
      if (state.failed) say(texts.failed.replace("{number}", String(state.failed)));
      root.dispatchEvent(new CustomEvent("whole"));
    }

    function say(text) {
      root.querySelector(".said").textContent = text;
    }

    function fetchFrame(index) {
      const image = index === data.first ? layer.querySelector("img.frame") : new Image();
      image.className = "frame" + (index === state.shown ? " on" : "");
      image.alt = "";
      image.draggable = false;
      images[index] = image;
      if (!image.isConnected) {
        image.src = frames[index].src;
        layer.prepend(image);
      }
      return image.decode().then(
        () => { ready[index] = true; state.loaded += 1; },
        () => { image.remove(); state.failed += 1; },
      ).then(() => { progress(); show(); });
    }

    function load() {
      const queue = order(frames.length, data.first);
      const next = () => (queue.length ? fetchFrame(queue.shift()).then(next) : undefined);
      fetchFrame(queue.shift()).then(() => { for (let lane = 0; lane < AT_ONCE; lane += 1) next(); });
    }

    /* -- zoom ------------------------------------------------------------------------------- */
    function drop() {
      if (full) full.remove();
      full = null;
    }

    function sharpen() {
      window.clearTimeout(fullTimer);
      if (state.scale < FULL_FROM || state.playing) return;
      const index = state.shown;
      if (full && full.dataset.index === String(index)) return;
      fullTimer = window.setTimeout(() => {
        const image = new Image();
        image.className = "full";
        image.alt = "";
        image.draggable = false;
        image.dataset.index = String(index);
        image.src = frames[index].full;
        image.decode().then(() => {
          if (state.shown !== index || state.scale < FULL_FROM) return;
          drop();
          full = image;
          layer.insertBefore(image, layer.querySelector(".marker"));
        }, () => undefined);
      }, 120);
    }

    function zoomTo(scale, clientX, clientY) {
      const box = view.getBoundingClientRect();
      const before = state.scale;
      state.scale = Math.min(Math.max(scale, 1), ZOOM_MAX);
      const x = (clientX === undefined ? box.width / 2 : clientX - box.left);
      const y = (clientY === undefined ? box.height / 2 : clientY - box.top);
      state.x = x - ((x - state.x) * state.scale) / before;
      state.y = y - ((y - state.y) * state.scale) / before;
      place();
      if (state.scale < FULL_FROM) drop();
      sharpen();
    }

    function place() {
      const box = view.getBoundingClientRect();
      state.x = Math.min(Math.max(state.x, box.width * (1 - state.scale)), 0);
      state.y = Math.min(Math.max(state.y, box.height * (1 - state.scale)), 0);
      layer.style.transform = `translate(${state.x}px, ${state.y}px) scale(${state.scale})`;
      layer.style.setProperty("--less", String(1 / state.scale));
      view.classList.toggle("zoomed", state.scale > 1);
      view.dataset.scale = state.scale.toFixed(2);
    }

    function pan(x, y) {
      state.x += x;
      state.y += y;
      place();
    }

    /* -- autoplay --------------------------------------------------------------------------- */
    function start(once) {
      if (state.playing) return;
      state.playing = true;
      play.setAttribute("aria-pressed", "true");
      play.setAttribute("aria-label", texts.pause);
      play.title = texts.pause;
      const begun = state.angle;
      let last = 0;
      let turned = 0;
      const tick = (now) => {
        if (!state.playing) return;
        if (last) turned += (Math.min(now - last, STEP_MS_MAX) / 1000) * (360 / TURN_S);
        last = now;
        if (once && turned >= 360) { stop(); turnTo(begun); return; }
        turnTo(begun + turned);
        clock = window.requestAnimationFrame(tick);
      };
      clock = window.requestAnimationFrame(tick);
    }

    function stop() {
      if (!state.playing) return;
      state.playing = false;
      window.cancelAnimationFrame(clock);
      play.setAttribute("aria-pressed", "false");
      play.setAttribute("aria-label", texts.play);
      play.title = texts.play;
      sharpen();
    }

    /* -- hands ------------------------------------------------------------------------------ */
    const fingers = new Map();
    let pinch = 0;
    let touched = false;

    function spread() {
      const [one, two] = [...fingers.values()];
      return { gap: Math.hypot(one.x - two.x, one.y - two.y), x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 };
    }

    view.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button) return;
      touched = true;
      stop();
      const [x, y] = [event.clientX, event.clientY];
      fingers.set(event.pointerId, { x, y, begin: { x, y }, held: false });
      pinch = fingers.size === 2 ? spread().gap / state.scale : 0;
      view.classList.add("held");
    });
    view.addEventListener("pointermove", (event) => {
      const finger = fingers.get(event.pointerId);
      if (!finger) return;
      const far = Math.hypot(event.clientX - finger.begin.x, event.clientY - finger.begin.y);
      if (!finger.held && far < DRAG_FROM) return;
      // Only now: until then it may be a click on a marker.
      if (!finger.held) view.setPointerCapture(event.pointerId);
      const [x, y] = [event.clientX - finger.x, event.clientY - finger.y];
      Object.assign(finger, { x: event.clientX, y: event.clientY, held: true });
      if (fingers.size === 2) {
        const now = spread();
        if (pinch) zoomTo(now.gap / pinch, now.x, now.y);
      } else if (state.scale > 1) {
        pan(x, y);
      } else {
        turnTo(state.angle - (data.rotation * 360 * x) / view.clientWidth);
      }
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
      view.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        pinch = 0;
        if (!fingers.size) view.classList.remove("held");
      });
    }
    view.addEventListener("dblclick", (event) => {
      zoomTo(state.scale > 1 ? 1 : 2.5, event.clientX, event.clientY);
    });
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && state.scale === 1 && !document.fullscreenElement) return;
      event.preventDefault();
      zoomTo(state.scale * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
    }, { passive: false });

    const keys = {
      ArrowRight: () => (state.scale > 1 ? pan(-60, 0) : step(1)),
      ArrowLeft: () => (state.scale > 1 ? pan(60, 0) : step(-1)),
      ArrowUp: () => state.scale > 1 && pan(0, 60),
      ArrowDown: () => state.scale > 1 && pan(0, -60),
      Home: () => { stop(); turnTo(0); },
      PageUp: () => { stop(); turnTo(state.angle + 30); },
      PageDown: () => { stop(); turnTo(state.angle - 30); },
      "+": () => zoomTo(state.scale * 1.4),
      "=": () => zoomTo(state.scale * 1.4),
      "-": () => zoomTo(state.scale / 1.4),
      0: () => zoomTo(1),
      " ": () => (state.playing ? stop() : start(false)),
    };
    view.addEventListener("keydown", (event) => {
      const act = event.target === view && !event.ctrlKey && !event.metaKey && keys[event.key];
      if (!act) return;
      touched = true;
      if (act() !== false) event.preventDefault();
    });
    dial.addEventListener("input", () => { touched = true; stop(); turnTo(frames[Number(dial.value)].angle); });
    const actions = {
      play: () => (state.playing ? stop() : start(false)),
      nearer: () => zoomTo(state.scale * 1.4),
      farther: () => zoomTo(state.scale / 1.4),
    };
    for (const [name, act] of Object.entries(actions)) {
      root.querySelector(`[data-do=${name}]`).addEventListener("click", () => { touched = true; act(); });
    }

    /* -- markers ---------------------------------------------------------------------------- */
    for (const damage of data.damages) {
      if (damage.frame === null) continue;
      const node = document.createElement("button");
      node.type = "button";
      node.className = "marker";
      node.hidden = true;
      node.style.left = `${100 * damage.x}%`;
      node.style.top = `${100 * damage.y}%`;
      const number = document.createElement("span");
      number.textContent = String(damage.number);
      node.append(number);
      node.setAttribute("aria-label", damage.label);
      node.dataset.damage = String(damage.number);
      node.addEventListener("click", () => inspection.openDamage(damage.number, node));
      layer.append(node);
      markers.push({ node, frame: damage.frame, number: damage.number });
    }

    window.addEventListener("resize", place);
    /* It turns once when it is whole and somebody can see it; where it was seen it stays still. */
    function greet() {
      if (isCalm || touched || !state.whole || document.hidden) return;
      touched = true;
      start(true);
    }
    document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else greet(); });
    root.addEventListener("whole", greet);
    place();
    show();
    load();
    return {
      stop,
      turnTo,
      showDamage(number) {
        const marker = markers.find((one) => one.number === number);
        if (!marker) return;
        touched = true;
        stop();
        zoomTo(1);
        turnTo(frames[marker.frame].angle);
        marker.node.classList.remove("here");
        void marker.node.offsetWidth; // so that the animation begins anew
        marker.node.classList.add("here");
      },
    };
  };
})();
