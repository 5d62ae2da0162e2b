// Says below a table that it goes on beside the page.
const hint = () => {
  for (const area of document.querySelectorAll(".scroll")) {
    area.nextElementSibling.hidden = area.scrollWidth <= area.clientWidth + 1;
  }
};
addEventListener("resize", hint);
document.addEventListener("toggle", hint, true);
hint();

// Copies a shell line. Without a clipboard (a file opened from disk in some browsers) the line is selected instead.
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      said = "Selected";
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}
