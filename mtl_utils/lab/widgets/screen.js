// A picture with a text that says what it shows, and a few lines of words below whose place never changes.
function render({ model, el }) {
  el.classList.add("mtl-screen");
  const picture = document.createElement("img");
  picture.className = "widget-image";
  const words = document.createElement("div");
  words.className = "mtl-words";
  words.setAttribute("role", "status");
  el.append(picture, words);
  let url = "";

  const show = () => {
    const [width, height] = model.get("size");
    picture.style.aspectRatio = `${width} / ${height}`;
    // Never wider than the page, nor so high that the sliders above it are out of sight.
    picture.style.width = `min(${width}px, 100%, max(360px, 100vh - 240px) * ${width / height})`;
    const png = model.get("png");
    const former = url;
    url = png && png.byteLength ? URL.createObjectURL(new Blob([png], { type: "image/png" })) : "";
    if (url) picture.src = url;
    if (former) URL.revokeObjectURL(former);
  };
  const describe = () => (picture.alt = model.get("alt"));
  const say = () => {
    // While it plays, words change many times a second; a screen reader is told when something else happens.
    words.setAttribute("aria-live", model.get("quiet") ? "off" : "polite");
    words.style.minHeight = `${1.45 * model.get("reserve")}em`;
    const lines = model.get("lines").map((line) => Object.assign(document.createElement("div"), { textContent: line }));
    const problem = model.get("problem");
    if (problem) lines.unshift(Object.assign(document.createElement("strong"), { textContent: `⚠ ${problem}` }));
    words.replaceChildren(...lines);
  };
  const events = [["change:png", show], ["change:alt", describe], ["change:lines", say], ["change:problem", say], ["change:quiet", say]];
  events.forEach(([event, action]) => model.on(event, action));
  show();
  describe();
  say();
  // Keys that are pressed in the lab belong to its controls: Enter presses a button, and does not edit the cell.
  let pressed = null;
  const whole = setInterval(() => {
    const lab = el.closest(".mtl-lab");
    if (lab) {
      lab.dataset.lmSuppressShortcuts = "true";
      lab.addEventListener("keydown", (event) => event.stopPropagation());
      lab.addEventListener("focusin", (event) => (pressed = event.target));
      clearInterval(whole);
    }
  }, 100);
  // A button that was pressed may be of no use now (play, while it plays). The keyboard goes on at the next button.
  const keepFocus = () => {
    if (!pressed?.disabled || ![document.body, pressed].includes(document.activeElement)) return;
    const buttons = [...el.closest(".mtl-lab").querySelectorAll("button")];
    const next = buttons.slice(buttons.indexOf(pressed)).concat(buttons).find((each) => !each.disabled);
    next?.focus({ preventScroll: true });
  };
  const focus = () => setTimeout(keepFocus, 50);
  model.on("change:lines", focus);
  return () => {
    clearInterval(whole);
    model.off("change:lines", focus);
    events.forEach(([event, action]) => model.off(event, action));
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
