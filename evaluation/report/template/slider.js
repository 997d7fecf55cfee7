// Shows one column of a traversal at a time: each latent at the value that the slider is set to.
for (const slider of document.querySelectorAll(".slider")) {
  const [image, range, output] = ["img", "input", "output"].map((tag) => slider.querySelector(tag));
  const labels = slider.dataset.labels.split("|");
  const values = slider.dataset.values.split("|");
  const canvases = labels.map((label) => {
    const cell = document.createElement("figure");
    const canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption");
    caption.textContent = label;
    cell.append(canvas, caption);
    slider.querySelector(".cells").append(cell);
    return canvas;
  });
  const draw = () => {
    const column = Number(range.value);
    const width = image.naturalWidth / Number(slider.dataset.columns);
    const height = image.naturalHeight / Number(slider.dataset.rows);
    output.textContent = values[column];
    range.setAttribute("aria-valuetext", values[column]);
    canvases.forEach((canvas, row) => {
      [canvas.width, canvas.height] = [width, height];
      canvas.getContext("2d").drawImage(image, column * width, row * height, width, height, 0, 0, width, height);
    });
  };
  range.addEventListener("input", draw);
  image.decode().then(draw);
}
