for (const section of document.querySelectorAll("[data-chooser]")) {
  const arms = [...section.querySelectorAll("details.arm")];
  if (arms.length < 2) continue;
  const label = document.createElement("label");
  label.className = "chooser";
  label.append("Show ");
  const select = document.createElement("select");
  arms.forEach((arm, i) => select.add(new Option(arm.dataset.arm, i)));
  select.add(new Option("all arms", "all"));
  const show = () => arms.forEach((arm, i) => {
    const chosen = select.value === "all" || select.value === String(i);
    arm.open = chosen;
    arm.hidden = !chosen;
  });
  select.addEventListener("change", show);
  label.append(select);
  arms[0].before(label);
  select.selectedIndex = Math.max(0, arms.findIndex((arm) => arm.open));
  show();
}
window.addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) {
    part.hidden = false;
    part.open = true;
  }
});
