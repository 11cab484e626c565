"use strict";
// A drawn digit is made what MNIST's are: 20 pixels large, its centre of mass in the middle of 28.
(() => {
  const element = (id) => document.getElementById(id);
  if (location.protocol === "file:") {
    element("elsewhere").hidden = false;
    return;
  }
  element("pad").hidden = false;
  const state = element("state"), before = state.innerHTML;

  // The page is as old as the last command; this is now.
  async function look() {
    let ready = false, why = "The local stack does not answer";
    try {
      const said = await fetch("/state");
      const content = await said.json();
      ready = said.ok && content.ready;
      why = "The endpoint is not ready";
    } catch { /* said below */ }
    state.className = `verdict ${ready ? "good" : "bad"}`;
    if (ready) state.innerHTML = before;
    else state.textContent = `${why}; start it with make up.`;
  }
  const canvas = element("canvas"), sent = element("sent"), answer = element("answer");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const SIZE = canvas.width, SIDE = 28, INNER = 20;
  let drawing = false, timer = 0, asked = 0;

  function clear() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, SIZE, SIZE);
    show(new Float64Array(SIDE * SIDE));
    asked += 1;
    clearTimeout(timer);
    answer.textContent = "Draw with a finger, a pen or the mouse.";
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * SIZE / box.width, (event.clientY - box.top) * SIZE / box.height];
  }

  function stroke(event) {
    if (!drawing) return;
    pen.lineTo(...at(event));
    pen.stroke();
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    clearTimeout(timer);
    drawing = true;
    pen.strokeStyle = "#000";
    pen.lineWidth = 22;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...at(event));
    stroke(event);
  });
  canvas.addEventListener("pointermove", stroke);
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      drawing = false;
      clearTimeout(timer);
      timer = setTimeout(() => { const row = normalized(); if (row) ask(row); }, 350);
    });
  }

  // The ink of each pixel, 0 to 1.
  function ink() {
    const data = pen.getImageData(0, 0, SIZE, SIZE).data;
    return Float64Array.from({ length: SIZE * SIZE }, (_, i) => 1 - data[4 * i] / 255);
  }

  function normalized() {
    const dark = ink();
    let left = SIZE, right = -1, top = SIZE, bottom = -1;
    for (let y = 0; y < SIZE; y++) for (let x = 0; x < SIZE; x++) {
      if (dark[y * SIZE + x] > 0.1) {
        left = Math.min(left, x); right = Math.max(right, x);
        top = Math.min(top, y); bottom = Math.max(bottom, y);
      }
    }
    if (right < 0) return null;
    const scale = INNER / (Math.max(right - left, bottom - top) + 1);
    const row = new Float64Array(SIDE * SIDE);
    let mass = 0, massX = 0, massY = 0;
    for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) {
      const value = dark[y * SIZE + x];
      mass += value; massX += value * x; massY += value * y;
    }
    const shiftX = SIDE / 2 - massX / mass * scale, shiftY = SIDE / 2 - massY / mass * scale;
    for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) {
      const toX = Math.floor(x * scale + shiftX), toY = Math.floor(y * scale + shiftY);
      if (toX >= 0 && toX < SIDE && toY >= 0 && toY < SIDE) {
        row[toY * SIDE + toX] += dark[y * SIZE + x] * scale * scale;
      }
    }
    return row.map((value) => Math.min(1, value));
  }

  function show(row) {
    const picture = new ImageData(SIDE, SIDE);
    row.forEach((value, i) => {
      const shade = Math.round(255 * (1 - value));
      picture.data.set([shade, shade, shade, 255], 4 * i);
    });
    sent.getContext("2d").putImageData(picture, 0, 0);
  }

  async function ask(row) {
    const number = ++asked;
    show(row);
    answer.textContent = "Asking ...";
    const began = performance.now();
    let text;
    try {
      const said = await fetch("/predict", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ data: [Array.from(row, (value) => Math.round(value * 1e4) / 1e4)] }),
      });
      const content = await said.json();
      text = said.ok
        ? `The endpoint answers ${content.prediction} (${Math.round(performance.now() - began)} ms)`
        : `The endpoint gave no answer: ${content.error}`;
    } catch {
      text = "The local stack does not answer; start it with make up";
    }
    if (number === asked) answer.textContent = text;
    look();
  }

  element("clear").addEventListener("click", clear);
  for (const button of document.querySelectorAll("button.digit")) {
    button.addEventListener("click", () => {
      const bytes = Uint8Array.from(atob(button.dataset.pixels), (each) => each.charCodeAt(0));
      clear();
      ask(Float64Array.from(bytes, (value) => value / 255));
    });
  }
  clear();
  look();
})();
