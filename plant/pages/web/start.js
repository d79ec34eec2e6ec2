/* What holds the page together: tabs, close-ups, damages, colours, the whole screen. */
(function () {
  "use strict";
  const inspection = (window.Inspection = window.Inspection || {});
  const data = window.VEHICLE;
  const texts = data.texts;
  const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const byId = (id) => document.getElementById(id);

  /* -- the panels of the stage -------------------------------------------------------------- */
  const parts = {};
  if (data.spin) parts.exterior = inspection.spin(byId("panel-exterior"), data.spin, texts, isCalm);
  if (data.panoramas.length) parts.interior = inspection.panorama(byId("panel-interior"), data.panoramas);
  if (data.strip) parts.underbody = inspection.strip(byId("panel-underbody"), data.strip);

  const tabs = [...document.querySelectorAll("[role=tab]")];
  function choose(tab, focus) {
    for (const one of tabs) {
      const chosen = one === tab;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
      byId(one.getAttribute("aria-controls")).hidden = !chosen;
    }
    const name = tab.dataset.part;
    if (name !== "exterior" && parts.exterior) parts.exterior.stop();
    if (parts[name] && parts[name].open) parts[name].open();
    if (name !== "film") for (const film of document.querySelectorAll("video")) film.pause();
    if (focus) tab.focus();
  }
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab, false));
    tab.addEventListener("keydown", (event) => {
      const last = tabs.length - 1;
      const next = {
        ArrowRight: index === last ? 0 : index + 1, ArrowLeft: index ? index - 1 : last, Home: 0, End: last,
      }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      choose(tabs[next], true);
    });
  }
  if (tabs.length) choose(tabs[0], false);

  for (const button of document.querySelectorAll("[data-do=screen]")) {
    button.addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else button.closest(".panel").requestFullscreen().catch(() => undefined);
    });
    if (!document.fullscreenEnabled) button.hidden = true;
  }

  /* -- close-ups ---------------------------------------------------------------------------- */
  const dialog = byId("closeup");
  const image = byId("closeup-image");
  const size = byId("closeup-size");
  let shown = [];
  let at = 0;
  let back = null;

  function natural(on) {
    dialog.classList.toggle("natural", on);
    size.setAttribute("aria-pressed", String(on));
  }

  function put(index) {
    at = (index + shown.length) % shown.length;
    natural(false);
    image.src = shown[at].src;
    image.alt = shown[at].title;
    const place = shown.length > 1 ? ` (${at + 1}/${shown.length})` : "";
    byId("closeup-title").textContent = shown[at].title + place;
  }

  function open(pictures, index, from) {
    shown = pictures;
    back = from;
    for (const id of ["closeup-before", "closeup-after"]) byId(id).hidden = pictures.length < 2;
    put(index);
    if (parts.exterior) parts.exterior.stop();
    dialog.showModal();
  }

  for (const gallery of document.querySelectorAll(".gallery")) {
    const links = [...gallery.querySelectorAll("a")];
    const pictures = links.map((link) => ({ src: link.getAttribute("href"), title: link.dataset.title }));
    for (const [index, link] of links.entries()) {
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open(pictures, index, link);
      });
    }
  }
  byId("closeup-close").addEventListener("click", () => dialog.close());
  byId("closeup-before").addEventListener("click", () => put(at - 1));
  byId("closeup-after").addEventListener("click", () => put(at + 1));
  size.addEventListener("click", () => natural(!dialog.classList.contains("natural")));
  image.addEventListener("dblclick", () => natural(!dialog.classList.contains("natural")));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { image.removeAttribute("src"); if (back) back.focus(); });
  dialog.addEventListener("keydown", (event) => {
    if (dialog.classList.contains("natural") || shown.length < 2) return;
    if (event.key === "ArrowLeft") put(at - 1);
    if (event.key === "ArrowRight") put(at + 1);
  });

  /* -- damages ------------------------------------------------------------------------------ */
  const withPhoto = data.damages.filter((one) => one.photo);
  inspection.openDamage = function (number, from) {
    const damage = data.damages.find((one) => one.number === number);
    const item = byId(`damage-${number}`);
    if (damage.photo) {
      const pictures = withPhoto.map((one) => ({ src: one.photo, title: one.label }));
      open(pictures, withPhoto.indexOf(damage), from);
    } else {
      item.scrollIntoView({ block: "nearest", behavior: isCalm ? "auto" : "smooth" });
      item.querySelector("button").focus({ preventScroll: true });
    }
  };
  for (const item of document.querySelectorAll("[data-damage-item]")) {
    const number = Number(item.dataset.damageItem);
    const find = item.querySelector("[data-do=find]");
    const photo = item.querySelector("[data-do=photo]");
    if (find) {
      find.addEventListener("click", () => {
        choose(byId("tab-exterior"), false);
        parts.exterior.showDamage(number);
        byId("stage").scrollIntoView({ block: "start", behavior: isCalm ? "auto" : "smooth" });
      });
    }
    if (photo) {
      photo.addEventListener("click", (event) => {
        event.preventDefault();
        inspection.openDamage(number, photo);
      });
    }
  }

  /* -- colours ------------------------------------------------------------------------------ */
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let kept = null;
  try { kept = window.localStorage.getItem("refit-colours"); } catch (error) { kept = null; }
  if (kept) document.documentElement.dataset.colours = kept;
  byId("theme").addEventListener("click", () => {
    const now = document.documentElement.dataset.colours || (dark.matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.colours = next;
    try { window.localStorage.setItem("refit-colours", next); } catch (error) { kept = next; }
  });
})();
