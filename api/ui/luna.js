// The live page: what the robot tells is drawn, and STOP goes out by two ways at once.

import { showAsking } from "./asking.js";
import { offerPlaces, showLost } from "./lost.js";

const $ = (id) => document.getElementById(id);
const say = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const SVG = "http://www.w3.org/2000/svg";
const make = (parent, name, attributes = {}, text = "") => {
  const node = document.createElementNS(parent.namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return parent.appendChild(node);
};

const LOST_AFTER_MS = 1500;      // the robot tells something every 500 ms
const STOP_LIMIT_MS = 2000;
const SAME_PRESS_MS = 300;       // pointerdown and the click after it are one press
let token = null;                // only for a page that is not the robot's own screen
let places = new Map();

// ---- The link -----------------------------------------------------------------------------------------------------

let socket = null, heardAt = 0, bootId = null, lastId = null, retryMs = 300;

function connect() {
  socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/api/v1/ws`);
  socket.onopen = () => socket.send(JSON.stringify(token ? { type: "auth", token } : { type: "auth" }));
  socket.onmessage = (event) => { heardAt = performance.now(); hear(JSON.parse(event.data)); };
  socket.onclose = (event) => {
    heardAt = 0;
    const refused = event.code === 4401;
    if (refused) { token = null; $("sign-in").hidden = false; }
    watch();
    if (refused) return;
    setTimeout(connect, retryMs);
    retryMs = Math.min(retryMs * 1.6, 3000);
  };
}

function watch() {
  const live = performance.now() - heardAt < LOST_AFTER_MS && heardAt > 0;
  const link = live ? "live" : $("sign-in").hidden ? "lost" : "unknown";
  document.body.dataset.link = link;
  say("link-text", { live: "live", lost: "no connection", unknown: "not signed in" }[link]);
  if (!live) say("headline", link === "lost" ? "No connection to the robot" : "Sign in to see the robot");
  labelStop();
}

function hear({ type, channel, id, data }) {
  if (channel && id) lastId = id;
  (HEARD[type] ?? (() => {}))(data);
}

const HEARD = {
  hello(data) {
    if (bootId && bootId !== data.boot_id) location.reload();  // new program, perhaps new files
    bootId = data.boot_id;
    retryMs = 300;
    $("sign-in").hidden = true;
    socket.send(JSON.stringify({ type: "subscribe", channels: ["robot", "tasks"], last_id: lastId }));
    loadFloor();
  },
  status: showStatus,
  queue: showQueue,
  pose: showPose,
  plan: ({ points }) => $("plan").setAttribute("points", (points ?? []).map(([x, y]) => `${x},${-y}`).join(" ")),
  scan: ({ points }) => $("scan").setAttribute("d", (points ?? []).map(([x, y]) => `M${x} ${-y}h0`).join("")),
  emergency_stop: (stop) => showStop(stop),
  stopped: () => stopOutcome(true),
  stop_failed: () => stopOutcome(false),
};

// ---- What is shown ------------------------------------------------------------------------------------------------

const DOING = {
  IDLE: "Free", BUSY: "Busy", NAVIGATING: "Driving", CHARGING: "Charging", STOPPED: "Stopped",
  ERROR: "Needs help", MAINTENANCE: "Out of service",
};
const STEP = {
  TO_SOURCE: "fetching it", WAITING_FOR_LOAD: "waiting for the book at the desk", TO_DESTINATION: "on its way",
  WAITING_FOR_HANDOVER: "waiting to be unloaded", RETURNING_LOAD: "bringing it back",
  QUEUED: "waiting", ASSIGNED: "about to start", PENDING: "not approved yet",
};
const nameOf = (code) => places.get(code) ?? code ?? "–";

// What a drive is at where it is not simply driving.
const HELD_UP = {
  ASKING: "Asking people to step aside", WAITING: "Waiting a moment for the way to be free",
  AROUND: "Going round something", REPLANNING: "Looking for another way",
};

function showStatus(robot) {
  const task = robot.current_task, drive = robot.navigation;
  const drives = robot.status === "NAVIGATING" && drive;
  const metres = drive?.distance_left_m > 0.5 ? `, ${drive.distance_left_m.toFixed(0)} m to go` : "";
  const goal = drives ? nameOf(drive.waypoint) : null;
  const driving = drives ? (HELD_UP[drive.state] ? `${HELD_UP[drive.state]}, on the way to ${goal}` : `Driving to ${goal}${metres}`) : null;
  const waiting = task?.step?.startsWith("WAITING") ? `At ${nameOf(task.step === "WAITING_FOR_LOAD" ? task.source_location : task.destination_location)}, ${STEP[task.step]}` : null;
  const standing = robot.status === "STOPPED" || robot.status === "ERROR" || robot.status === "MAINTENANCE";
  const lost = robot.faults.some((fault) => fault.code === "LOST");
  document.body.dataset.lost = lost;
  say("headline", (lost && robot.status !== "STOPPED" ? "I do not know where I am" : standing ? null : waiting ?? driving) ?? DOING[robot.status] ?? robot.status);
  say("doing", robot.mode === "PAUSED" ? "Paused" : DOING[robot.status] ?? robot.status);
  say("place", nameOf(robot.current_location));
  const level = robot.battery_level;
  $("battery").value = level ?? 0;
  say("battery-text", level == null ? "unknown" : `${Math.round(level * 100)} %`);
  $("plan").toggleAttribute("hidden", !drives);
  say("drive-note", !drives && drive?.message ? `I did not get to ${nameOf(drive.waypoint)}. ${drive.message} ${drive.remedy}` : "");
  showAsking(drives && drive.state === "ASKING" && robot.emergency_stop.active === false, goal);
  showLost(lost, robot.pose);
  $("faults").replaceChildren();
  for (const fault of robot.faults) if (fault.code !== "LOST") make($("faults"), "li", {}, `${fault.message} ${fault.remedy}`);
  showStop(robot.emergency_stop);
}

let queue = [];

// To the minute: it is a guess.
const about = (eta) => eta ? `, there about ${new Date(eta).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}` : "";

function showQueue(tasks) {
  queue = tasks;
  $("queue").replaceChildren();
  $("queue-note").hidden = tasks.length > 0;
  for (const task of tasks) {
    const item = make($("queue"), "li", task.status === "QUEUED" ? {} : { class: "active" });
    make(item, "span", { class: "way" }, `${nameOf(task.source_location)} → ${nameOf(task.destination_location)}`);
    const there = task.step === "WAITING_FOR_HANDOVER" ? "" : about(task.eta);
    make(item, "span", { class: "step" }, `${STEP[task.step ?? task.status] ?? task.status}${there}`);
  }
}

let turned = 0, size = 0.3;

function showPose({ x, y, theta }) {
  const degrees = -theta * 180 / Math.PI;
  turned += ((degrees - turned + 540) % 360 + 360) % 360 - 180;  // the short way round, so that it never spins
  $("robot").style.transform = `translate(${x}px, ${-y}px) rotate(${turned}deg) scale(${size})`;
  $("robot").toggleAttribute("hidden", false);
}

// ---- The floor ----------------------------------------------------------------------------------------------------

const get = async (path) => {
  const answer = await fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()).data;
};

let floor = null;

async function loadFloor() {
  try {
    const points = await get("/api/v1/robot/waypoints?limit=100");
    places = new Map(points.map((one) => [one.location_code, one.name]));
    showQueue(queue);
    offerPlaces(points.filter((one) => one.kind !== "junction" && one.is_active), () => ({ token, size }));
    floor = await get("/api/v1/robot/map");
    await paintFloor();
    frame(points);
  } catch (error) {
    $("map-note").hidden = floor !== null;
  }
}

async function paintFloor() {
  // In the page's own colours: what was never seen is left out, so that a scanner's fringe does not shout.
  const picture = new Image();
  picture.src = floor.image;
  await picture.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: floor.width, height: floor.height });
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, floor.width, floor.height);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim().match(/\w\w/g).map((hex) => parseInt(hex, 16));
  const [open, wall] = [colour("--floor"), colour("--wall")];
  for (let at = 0; at < pixels.data.length; at += 4) {
    const grey = pixels.data[at];
    const known = grey > 220 ? open : grey < 100 ? wall : null;
    if (known) pixels.data.set(known, at);
    pixels.data[at + 3] = known ? 255 : 0;
  }
  context.putImageData(pixels, 0, 0);
  const [x, y, theta] = floor.origin, [width, height] = [floor.width * floor.resolution, floor.height * floor.resolution];
  const at = { href: canvas.toDataURL(), x, y: -y - height, width, height, transform: `rotate(${-theta * 180 / Math.PI} ${x} ${-y})` };
  for (const [key, value] of Object.entries(at)) $("walls").setAttribute(key, value);
}

function frame(points) {
  const [x, y] = floor.origin, [width, height] = [floor.width * floor.resolution, floor.height * floor.resolution];
  const box = [x, x + width, -y - height, -y];
  if (points.length > 1) {  // the places and some air, where the map has much more
    const air = 3, [xs, ys] = [points.map((one) => one.x_coordinate), points.map((one) => -one.y_coordinate)];
    box[0] = Math.max(box[0], Math.min(...xs) - air); box[1] = Math.min(box[1], Math.max(...xs) + air);
    box[2] = Math.max(box[2], Math.min(...ys) - air); box[3] = Math.min(box[3], Math.max(...ys) + air);
  }
  $("map").setAttribute("viewBox", `${box[0]} ${box[2]} ${box[1] - box[0]} ${box[3] - box[2]}`);
  const unit = Math.max(box[1] - box[0], (box[3] - box[2]) * 1.4) / 100;
  size = Math.max(unit * 1.1, 0.19);
  $("plan").setAttribute("stroke-width", unit * 0.55);
  $("scan").setAttribute("stroke-width", unit * 0.35);
  showPlaces(points, unit, box);
}

// What stands on the door: "Study room 106" is 106 on a map, "SHELF-A" is A.
const SHORT = { room: ({ name }) => name.match(/\S*\d\S*$/)?.[0] ?? name, shelf: ({ location_code: code }) => code.split("-").pop() };

function showPlaces(points, unit, [left, right]) {
  $("places").replaceChildren();
  for (const one of points) {
    if (one.kind === "junction" || !one.is_active) continue;
    const at = { class: one.kind, transform: `translate(${one.x_coordinate} ${-one.y_coordinate})` };
    const place = make($("places"), "g", at);
    make(place, "circle", { r: unit * (one.kind === "shelf" ? 0.4 : 0.75), "stroke-width": unit * 0.25 });
    const label = SHORT[one.kind]?.(one) ?? one.name;
    const font = unit * (one.kind === "shelf" ? 1.7 : 2), half = label.length * font * 0.32, x = one.x_coordinate;
    const shift = Math.max(0, left + half - x) - Math.max(0, x + half - right);  // never cut off at the edge
    make(place, "text", { x: shift, y: -unit * 1.4, "font-size": font, "stroke-width": unit * 0.5 }, label);
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => floor && paintFloor());

// ---- STOP ---------------------------------------------------------------------------------------------------------

let pressedAt = -Infinity, failedAt = -Infinity, asking = 0, stopState;

async function stop() {
  if (performance.now() - pressedAt < SAME_PRESS_MS) return;
  pressedAt = performance.now();
  asking += 1;
  document.body.dataset.stop = "asking";
  labelStop();
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "emergency_stop" }));
  try {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const limit = AbortSignal.timeout(STOP_LIMIT_MS);
    const answer = await fetch($("stop").action, { method: "POST", keepalive: true, headers, signal: limit });
    stopOutcome(answer.ok);
  } catch {
    stopOutcome(false);
  }
}

function stopOutcome(confirmed) {
  if (confirmed) {
    asking = 0;
    failedAt = -Infinity;
    stopState = { ...stopState, state: "LATCHED", active: true };
  } else if (asking > 0 && !(stopState?.active && document.body.dataset.link === "live")) {
    asking = 0;
    failedAt = performance.now();
  }
  labelStop();
}

function showStop(now) {
  stopState = now;
  if (now.active) { asking = 0; failedAt = -Infinity; }
  labelStop();
}

function labelStop() {
  const link = document.body.dataset.link;
  const [state, label, note] =
    failedAt > 0 ? ["failed", "STOP NOT CONFIRMED", "Press the red button on the robot."]
    : asking > 0 ? ["asking", "STOPPING …", "Waiting for the robot to confirm."]
    : link === "lost" ? ["unknown", "STOP", "No connection: use the red button on the robot."]
    : link === "unknown" ? ["unknown", "STOP", "Sign in to stop it from here, or use the red button on the robot."]
    : stopState?.active ? ["stopped", "STOPPED", stoppedNote()]
    : stopState?.active === null ? ["unknown", "STOP", "The robot's motion gate is away: use the red button on the robot."]
    : stopState?.state === "RESET" ? ["stopped", "STOPPED", "Reset. It stands until a librarian here lets it go on."]
    : ["ready", "STOP", "Stops the robot. In danger use the red button on the robot."];
  document.body.dataset.stop = state;
  say("stop-label", label);
  say("stop-note", note);
}

function stoppedNote() {
  const since = stopState.since ? ` since ${new Date(stopState.since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}` : "";
  const by = { BUTTON: " by the red button", BUMPER: " by the bumper", TOUCHSCREEN: " from this screen" }[stopState.source] ?? "";
  return `Stopped${by}${since}. A librarian at the robot resets it.`;
}

// On touch, not on release; the form's own submit is for keyboards, and for pages without this script.
$("stop-button").addEventListener("pointerdown", stop);
$("stop").addEventListener("submit", (event) => { event.preventDefault(); stop(); });

// ---- Signing in, where this is not the robot's own screen ---------------------------------------------------------

$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  const answer = await fetch("/api/v1/auth/login", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const said = await answer.json();
  say("sign-in-note", answer.ok ? "" : said.error.message);
  if (answer.ok) { token = said.data.access_token; connect(); }
});

setInterval(watch, 250);
connect();
