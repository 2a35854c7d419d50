// A second click on a column's button sorts the other way. Cells without a value stay last.
const table = document.querySelector("table.heat");
for (const header of table.tHead.querySelectorAll("th")) {
  header.querySelector("button")?.addEventListener("click", () => {
    const isUp = header.getAttribute("aria-sort") !== "ascending";
    const value = (row) => Number(row.cells[header.cellIndex].dataset.order ?? (isUp ? Infinity : -Infinity));
    const rows = [...table.tBodies[0].rows].sort((a, b) => (isUp ? value(a) - value(b) : value(b) - value(a)) || 0);
    table.tBodies[0].append(...rows);
    for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", isUp ? "ascending" : "descending");
  });
}
