// Adds comfort to pages that work without it: buttons that copy, and a filter for the rows of a table.
(() => {
  "use strict";
  const status = document.getElementById("status");
  const say = text => { if (status) status.textContent = text; };

  for (const element of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy " + (element.dataset.what || "this"));
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(element.dataset.copy);
        button.textContent = "Copied";
        say("Copied");
      } catch {
        const range = document.createRange();
        range.selectNodeContents(element);
        const selection = getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
        button.textContent = "Selected";
        say("The browser allows no copying here; the text is selected");
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    element.after(button);
  }

  for (const input of document.querySelectorAll("input[data-filter]")) {
    const rows = [...document.querySelectorAll("#" + input.dataset.filter + " tbody tr")];
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = wanted !== "" && !row.dataset.name.toLowerCase().includes(wanted);
        shown += row.hidden ? 0 : 1;
      }
      say(wanted === "" ? "" : shown + " of the rows on this page match; press Enter to search all");
    });
  }
})();
