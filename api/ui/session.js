// Who is signed in on this page, where it is not the robot's own screen. Nothing is kept when the page is closed.

const EARLY = 0.2;              // the last fifth of a token's life is for getting the next one
const AGAIN_MS = 2000;          // and so soon it is tried again where the robot did not answer

let tokens = null, endsAt = 0, lifeMs = 0, notBefore = 0, renewing = null;

export const token = () => tokens?.access_token ?? null;
export const bearer = () => (tokens ? { Authorization: `Bearer ${tokens.access_token}` } : {});

async function ask(path, body, headers = {}, method = "POST") {
  const sent = { method, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
  const answer = await fetch(`/api/v1/auth/${path}`, sent);
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.error.message), { refused: answer.status === 401 });
  return said.data;
}

function keep(session) {
  tokens = session;
  lifeMs = session.expires_in * 1000;
  endsAt = Date.now() + lifeMs;
}

export async function signIn(path, body) {
  keep(await ask(path, body));
}

export function forget() { tokens = null; }

// By the clock on the wall, which goes on while the machine sleeps.
export const isDue = () => tokens !== null && Date.now() > Math.max(endsAt - lifeMs * EARLY, notBefore);

// Whether there is a newer token now. One at a time: a refresh token that is used twice ends the session.
export function renew() {
  if (tokens === null) return Promise.resolve(false);
  renewing ??= ask("refresh", { refresh_token: tokens.refresh_token })
    .then((session) => { keep(session); return true; })
    .catch((error) => { notBefore = Date.now() + AGAIN_MS; if (error.refused) forget(); return false; })
    .finally(() => { renewing = null; });
  return renewing;
}

// Whoever comes back from a provider brings a ticket after the #, which is good once. Whether there was one.
export async function redeemTicket() {
  const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (!ticket) return false;
  history.replaceState(null, "", location.pathname);
  await signIn("oidc/session", { ticket });
  return true;
}

// Lets the account that is signed in be signed in to by the provider too.
export async function link(provider) {
  const { location: where } = await ask(`oidc/${provider}/link`, {}, bearer());
  location.assign(where);
}

// The providers that may sign that account in.
export const linked = async () => (await ask("oidc/links", undefined, bearer(), "GET")).links.map((one) => one.provider);

export const unlink = (provider) => ask(`oidc/${provider}/link`, undefined, bearer(), "DELETE");
