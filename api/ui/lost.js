// "Where am I?": a librarian tells the robot its place, by a name or by a finger on the map.

import { t } from "./words.js";

const $ = (id) => document.getElementById(id);
const LOST_FOR_MS = 3000;       // at its start the robot looks around for a moment
const FAR_ENOUGH_M = 0.2;       // a finger that moved less has not shown a direction
const GIVE_UP_MS = 120000;      // a librarian who walked away is signed out

let lostSince = null, known = [], page = () => ({}), staff = null, guess = null, openedAt = Infinity, heading = 0;

export function offerPlaces(points, state) {
  [known, page] = [points, state];
  $("here").place.replaceChildren(new Option(t("choose_place"), ""), ...known.map((one) => new Option(one.name, one.id)));
}

document.addEventListener("luna:language", () => {
  const [first] = $("here").place.options;
  if (first) first.text = t("choose_place");
  $("lost-note").textContent = "";
});

export function showLost(lost, pose) {
  lostSince = lost ? lostSince ?? performance.now() : null;
  heading = pose?.theta ?? heading;
  const shown = lostSince !== null && performance.now() - lostSince > LOST_FOR_MS;
  if ((!shown && !$("lost").hidden) || performance.now() - openedAt > GIVE_UP_MS) close();
  $("lost").hidden = !shown;
}

function close() {
  [staff, guess] = [null, null];
  for (const id of ["staff", "here"]) { $(id).hidden = true; $(id).reset(); }
  $("tell-place").hidden = false;
  $("guess").toggleAttribute("hidden", true);
  $("lost-note").textContent = "";
  openedAt = Infinity;
}

function open(id) {
  for (const each of ["tell-place", "staff", "here"]) $(each).hidden = each !== id;
  $("lost-note").textContent = "";
  openedAt = performance.now();
}

const post = async (path, body) => {
  const headers = { "Content-Type": "application/json" };
  if (staff) headers.Authorization = `Bearer ${staff}`;
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error.message);
  return said.data;
};

const attempt = async (work) => {
  try { await work(); } catch (error) { $("lost-note").textContent = error.message; }
};

$("tell-place").addEventListener("click", () => {
  staff = page().token;
  open(staff ? "here" : "staff");
});

$("staff").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    const session = await post("/api/v1/auth/pin-login", Object.fromEntries(new FormData(event.target)));
    if (session.user.role === "STUDENT") throw new Error(t("only_staff"));
    staff = session.access_token;
    open("here");
  });
});

$("here").place.addEventListener("change", ({ target }) => {
  const place = known.find((one) => one.id === target.value);
  mark(place ? { x: place.x_coordinate, y: place.y_coordinate, theta: place.theta } : null);
});

$("here").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    await post("/api/v1/robot/initial-pose", { ...guess, expires_at: new Date(Date.now() + 5000).toISOString() });
    close();
    $("lost-note").textContent = t("thanks");
  });
});

function mark(pose) {
  guess = pose;
  $("here").querySelector("button").disabled = pose === null;
  $("guess").toggleAttribute("hidden", pose === null);
  if (pose) $("guess").setAttribute("transform", `translate(${pose.x} ${-pose.y}) rotate(${-pose.theta * 180 / Math.PI}) scale(${page().size})`);
}

// ---- A finger on the map --------------------------------------------------------------------------------------------

let down = null;

const onMap = (event) => {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform($("map").getScreenCTM().inverse());
  return { x: at.x, y: -at.y };
};

$("map").addEventListener("pointerdown", (event) => {
  if ($("here").hidden) return;
  down = onMap(event);
  $("map").setPointerCapture(event.pointerId);
  $("here").place.value = "";
  openedAt = performance.now();
  mark({ ...down, theta: heading });
});

$("map").addEventListener("pointermove", (event) => {
  if (!down) return;
  const [dx, dy] = [onMap(event).x - down.x, onMap(event).y - down.y];
  if (Math.hypot(dx, dy) > FAR_ENOUGH_M) mark({ ...down, theta: Math.atan2(dy, dx) });
});

for (const over of ["pointerup", "pointercancel"]) $("map").addEventListener(over, () => { down = null; });
