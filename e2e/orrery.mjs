// What the tests share: the environment that `orrery env` printed, the REST
// API as pscale calls it, and credentials.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export function variable(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run the tests by e2e/run, or after eval "$(orrery env)"`);
  return value;
}

// authority is what clients trust that do not read SSL_CERT_FILE themselves.
export const authority = () => readFileSync(variable('SSL_CERT_FILE'));

// parts takes a binding's URL apart, for options that a URL cannot give.
export function parts(name) {
  const url = new URL(variable(name));
  return {
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1) || undefined,
  };
}

// request calls the API below the organization and returns status and answer.
export async function request(method, path, body) {
  const address = `${variable('PLANETSCALE_API_URL')}v1/organizations/${variable('PLANETSCALE_ORG')}/${path}`;
  const response = await fetch(address, {
    method,
    headers: {
      Authorization: `${variable('PLANETSCALE_SERVICE_TOKEN_ID')}:${variable('PLANETSCALE_SERVICE_TOKEN')}`,
      'Content-Type': 'application/json',
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, answer: text === '' ? undefined : JSON.parse(text) };
}

// call is a request that has to go well.
export async function call(method, path, body) {
  const { status, answer } = await request(method, path, body);
  assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  return answer;
}

// until polls a path until its answer is as wanted.
export async function until(path, wanted, what) {
  let answer;
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) {
    answer = await call('GET', path);
    if (wanted(answer)) return answer;
  }
  assert.fail(`${path}: ${what} did not happen: ${JSON.stringify(answer)}`);
}

// gone polls a path until there is nothing.
export async function gone(path) {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) {
    const { status } = await request('GET', path);
    if (status === 404) return;
  }
  assert.fail(`${path} is still there`);
}

// mysqlLogin makes a password for a branch.
export async function mysqlLogin(database, branch, role = 'admin') {
  const made = await call('POST', `databases/${database}/branches/${branch}/passwords`, { role, name: 'e2e' });
  const [host, port] = made.access_host_url.split(':');
  return { host, port: Number(port), user: made.username, password: made.plain_text };
}

// postgresLogin makes a role on a branch.
export async function postgresLogin(database, branch) {
  const made = await call('POST', `databases/${database}/branches/${branch}/roles`, { name: 'e2e', inherited_roles: ['postgres'] });
  const [host, port] = made.access_host_url.split(':');
  return { host, port: Number(port), user: made.username, password: made.password, database: made.database_name };
}
