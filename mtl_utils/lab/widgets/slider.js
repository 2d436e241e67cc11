// One slider: a name, the browser's own range input (arrow keys, Page Up and Down, Home and End work), and its value in words.
function render({ model, el }) {
  el.classList.add("mtl-slider");
  // Arrow keys move the slider, not the notebook's selected cell.
  el.dataset.lmSuppressShortcuts = "true";
  el.addEventListener("keydown", (event) => event.stopPropagation());
  const label = document.createElement("label");
  const name = document.createElement("span");
  const input = Object.assign(document.createElement("input"), { type: "range", step: 1, min: 0 });
  const output = document.createElement("span");
  output.className = "mtl-slider-value";
  output.setAttribute("aria-hidden", "true"); // the slider itself says it
  label.append(name, input);
  el.append(label, output);

  const say = (text) => {
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  const rename = () => {
    name.textContent = model.get("label");
    label.title = model.get("hint");
    input.max = model.get("texts").length - 1;
    input.style.accentColor = model.get("color");
  };
  const move = () => {
    input.value = Math.round(model.get("place"));
    say(model.get("text"));
  };
  input.addEventListener("input", () => {
    const place = Number(input.value);
    say(model.get("texts")[place]);
    model.set({ place, text: model.get("texts")[place] });
    model.save_changes();
  });
  const events = [["change:place", move], ["change:text", move], ["change:label", rename]];
  events.forEach(([event, action]) => model.on(event, action));
  rename();
  move();
  return () => events.forEach(([event, action]) => model.off(event, action));
}

export default { render };
