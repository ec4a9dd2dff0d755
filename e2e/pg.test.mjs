// pg (node-postgres), unmodified, through the gateway.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { authority, parts, variable } from './orrery.mjs';

const secure = () => ({ ca: authority(), rejectUnauthorized: true });

async function connect(options) {
  const client = new pg.Client(typeof options === 'string' ? { connectionString: options } : options);
  await client.connect();
  return client;
}

async function connected(options, use) {
  const client = await connect(options);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

let db;
before(async () => {
  db = await connect(variable('SCRATCHPAD'));
  await db.query('DROP TABLE IF EXISTS item, kind, copied, counter');
  await db.query('CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL)');
});
after(() => db?.end());

test('simple, parameterised and named queries', async () => {
  const made = await db.query('INSERT INTO item (name) VALUES ($1), ($2) RETURNING id, name', ['one', "it's"]);
  assert.equal(made.rowCount, 2);
  assert.deepEqual(made.rows.map((row) => row.name), ['one', "it's"]);
  const simple = await db.query('SELECT 1 AS n; SELECT 2 AS m');
  assert.deepEqual(simple.map((r) => r.rows[0]), [{ n: 1 }, { m: 2 }]);
  for (let i = 0; i < 200; i++) {
    const { rows } = await db.query({ name: 'plus-one', text: 'SELECT $1::int + 1 AS n', values: [i] });
    assert.equal(rows[0].n, i + 1);
  }
  for (let i = 0; i < 50; i++) {
    const { rows } = await db.query({ name: `statement-${i}`, text: `SELECT $1::text || '-${i}' AS t`, values: ['v'] });
    assert.equal(rows[0].t, `v-${i}`);
  }
  await assert.rejects(db.query('SELECT nothing FROM item'), { code: '42703' });
  await assert.rejects(db.query('SELEC 1'), { code: '42601' });
  await assert.rejects(db.query({ name: 'broken', text: 'SELECT $1::int / 0', values: [1] }), { code: '22012' });
  assert.equal((await db.query('SELECT 1 AS n')).rows[0].n, 1);
});

test('transactions: rollback and commit, seen by nobody before', async () => {
  await connected(variable('SCRATCHPAD'), async (other) => {
    const count = async (c) => Number((await c.query("SELECT count(*) AS n FROM item WHERE name = 'tx'")).rows[0].n);
    await db.query('BEGIN');
    await db.query("INSERT INTO item (name) VALUES ('tx')");
    assert.equal(await count(db), 1);
    assert.equal(await count(other), 0);
    await db.query('ROLLBACK');
    assert.equal(await count(db), 0);
    await db.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
    await db.query('INSERT INTO item (name) VALUES ($1)', ['tx']);
    await db.query('SAVEPOINT s');
    await assert.rejects(db.query('SELECT nothing'), { code: '42703' });
    await assert.rejects(db.query('SELECT 1'), { code: '25P02' });
    await db.query('ROLLBACK TO SAVEPOINT s');
    await db.query('COMMIT');
    assert.equal(await count(other), 1);
  });
});

test('a pool of 20 connections under 500 concurrent queries', async () => {
  const pool = new pg.Pool({ connectionString: variable('SCRATCHPAD'), max: 20 });
  try {
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => pool.query(i % 2 ? { text: 'SELECT $1::int AS n, pg_sleep(0.002)', values: [i] } : `SELECT ${i} AS n, pg_sleep(0.002)`)));
    answers.forEach(({ rows }, i) => assert.equal(rows[0].n, i));
    await pool.query('CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL)');
    await pool.query('INSERT INTO counter VALUES (1, 0)');
    await Promise.all(Array.from({ length: 60 }, async () => {
      const c = await pool.connect();
      try {
        await c.query('BEGIN');
        const { rows: [{ n }] } = await c.query('SELECT n FROM counter WHERE id = 1 FOR UPDATE');
        await c.query('UPDATE counter SET n = $1 WHERE id = 1', [n + 1]);
        await c.query('COMMIT');
      } finally {
        c.release();
      }
    }));
    assert.equal((await pool.query('SELECT n FROM counter')).rows[0].n, 60);
  } finally {
    await pool.end();
  }
});

test('session state stays with its session', async () => {
  await connected(variable('SCRATCHPAD'), async (other) => {
    await db.query("SET TimeZone = 'Asia/Tokyo'");
    await db.query("SET application_name = 'mine'");
    await other.query("SET TimeZone = 'UTC'");
    for (let i = 0; i < 20; i++) {
      const [mine, others] = await Promise.all([db.query('SHOW TimeZone'), other.query('SHOW TimeZone')]);
      assert.equal(mine.rows[0].TimeZone, 'Asia/Tokyo');
      assert.equal(others.rows[0].TimeZone, 'UTC');
    }
    await other.query('CREATE TEMPORARY TABLE mine (n int)');
    await other.query('INSERT INTO mine VALUES (7)');
    await assert.rejects(db.query('SELECT n FROM mine'), { code: '42P01' });
    assert.equal((await other.query('SELECT n FROM mine')).rows[0].n, 7);
    await other.query('SELECT pg_advisory_lock(42)');
    assert.equal((await db.query('SELECT pg_try_advisory_lock(42) AS got')).rows[0].got, false);
    await other.query('SELECT pg_advisory_unlock(42)');
    assert.equal((await db.query('SELECT pg_try_advisory_lock(42) AS got')).rows[0].got, true);
    await db.query('SELECT pg_advisory_unlock(42)');
  });
  await db.query('RESET TimeZone');
});

test('COPY in and out', async () => {
  await db.query('CREATE TABLE copied (id int PRIMARY KEY, text text)');
  const rows = 50_000;
  await pipeline(Readable.from((function* lines() {
    for (let i = 1; i <= rows; i++) yield `${i}\trow ${i}\n`;
  })()), db.query(copyFrom('COPY copied FROM STDIN')));
  assert.equal(Number((await db.query('SELECT count(*) AS n FROM copied')).rows[0].n), rows);
  let out = '';
  await pipeline(db.query(copyTo('COPY (SELECT * FROM copied ORDER BY id) TO STDOUT (FORMAT csv)')), new Writable({
    write(chunk, _, done) {
      out += chunk;
      done();
    },
  }));
  const lines = out.trimEnd().split('\n');
  assert.equal(lines.length, rows);
  assert.equal(lines.at(-1), `${rows},row ${rows}`);
  await assert.rejects(pipeline(Readable.from(['1\tagain\n']), db.query(copyFrom('COPY copied FROM STDIN'))), { code: '23505' });
  assert.equal((await db.query('SELECT 1 AS n')).rows[0].n, 1);
});

test('LISTEN and NOTIFY', async () => {
  await connected(variable('SCRATCHPAD'), async (listener) => {
    await listener.query('LISTEN news');
    const own = once(listener, 'notification');
    await listener.query("NOTIFY news, 'own'");
    assert.equal((await own)[0].payload, 'own');
    const other = once(listener, 'notification');
    await db.query("SELECT pg_notify('news', 'other')");
    const [notification] = await other;
    assert.equal(notification.channel, 'news');
    assert.equal(notification.payload, 'other');
    await listener.query('UNLISTEN *');
  });
});

test('with TLS, verified against the authority, and without', async () => {
  await connected({ ...parts('SCRATCHPAD'), ssl: secure() }, async (c) => {
    assert.equal((await c.query('SELECT 1 AS n')).rows[0].n, 1);
    assert.equal(c.connection.stream.encrypted, true);
    assert.equal(c.connection.stream.authorized, true);
  });
  await connected(parts('SCRATCHPAD'), async (c) => {
    assert.equal((await c.query('SELECT 1 AS n')).rows[0].n, 1);
    assert.notEqual(c.connection.stream.encrypted, true);
  });
  await connected(`${variable('SCRATCHPAD')}?sslmode=verify-full&sslrootcert=${encodeURIComponent(variable('SSL_CERT_FILE'))}`, async (c) => {
    assert.equal(c.connection.stream.authorized, true);
  });
  await assert.rejects(connect({ ...parts('SCRATCHPAD'), ssl: { rejectUnauthorized: true } }), { code: /UNABLE_TO_VERIFY|SELF_SIGNED/ });
});

test('who may not come in is told why', async () => {
  const ok = parts('SCRATCHPAD');
  for (const ssl of [undefined, secure()]) {
    await assert.rejects(connect({ ...ok, ssl, password: 'wrong' }), { code: '28P01' });
    await assert.rejects(connect({ ...ok, ssl, user: 'nobody' }), { code: '28000', message: /username must include branch/ });
    await assert.rejects(connect({ ...ok, ssl, user: `nobody.${ok.user.split('.')[1]}` }), { code: '28P01' });
    await assert.rejects(connect({ ...ok, ssl, user: `${ok.user.split('.')[0]}.nothing` }), { message: /branch nothing does not exist/ });
    await assert.rejects(connect({ ...ok, ssl, database: 'nothing' }), { code: '3D000' });
  }
});

test('a reader reads', async () => {
  await connected(variable('SCRATCHPAD_READER'), async (c) => {
    await c.query('SELECT count(*) FROM item');
    for (const statement of ["INSERT INTO item (name) VALUES ('x')", 'DELETE FROM item', 'WITH d AS (DELETE FROM item RETURNING 1) SELECT * FROM d', 'DROP TABLE item', 'TRUNCATE item']) {
      await assert.rejects(c.query(statement), { code: /42501|25006/ }, statement);
      await assert.rejects(c.query({ text: statement, values: [], name: `n${statement.length}` }), { code: /42501|25006/ }, statement);
    }
  });
});

test('direct DDL on a production branch is refused, however it is said', async () => {
  await connected(variable('COMMERCE'), async (c) => {
    const refused = (promise) => assert.rejects(promise, { message: /direct DDL is disabled|permission denied|must be owner/ });
    await assert.rejects(c.query('ALTER TABLE product ADD COLUMN sneaked int'), { message: /direct DDL is disabled/ });
    await refused(c.query('-- hello\n  cReAtE TABLE sneaked (id int)'));
    await refused(c.query('SELECT 1; DROP TABLE product'));
    await refused(c.query({ name: 'ddl', text: 'DROP TABLE product', values: [] }));
    await refused(c.query('DO $$ BEGIN CREATE TABLE sneaked (id int); END $$'));
    await refused(c.query("DO $$ BEGIN EXECUTE 'ALTER TABLE pro' || 'duct ADD COLUMN sneaked int'; END $$"));
    await refused(c.query('SELECT 1 AS n INTO sneaked'));
    await refused(c.query('CREATE TABLE sneaked AS SELECT 1 AS n'));
    const { rows } = await c.query("SELECT count(*)::int AS n FROM information_schema.columns WHERE column_name = 'sneaked' OR table_name = 'sneaked'");
    assert.equal(rows[0].n, 0);
  });
});

test('statement_timeout cancels, and the session goes on', async () => {
  await db.query("SET statement_timeout = '200ms'");
  const started = Date.now();
  await assert.rejects(db.query('SELECT pg_sleep(30)'), { code: '57014' });
  assert.ok(Date.now() - started < 5000);
  await db.query('SET statement_timeout = 0');
  await db.query('SELECT pg_sleep(0.3)');
  // As an option of the connection, too.
  await connected({ ...parts('SCRATCHPAD'), statement_timeout: 200 }, async (c) => {
    await assert.rejects(c.query('SELECT pg_sleep(30)'), { code: '57014' });
    assert.equal((await c.query('SELECT 1 AS n')).rows[0].n, 1);
  });
  assert.equal((await db.query('SHOW statement_timeout')).rows[0].statement_timeout, '0');
});

test('a cancel request ends the query of its own session', async () => {
  await connected(variable('SCRATCHPAD'), async (victim) => {
    const running = assert.rejects(victim.query('SELECT pg_sleep(30)'), { code: '57014' });
    await new Promise((r) => setTimeout(r, 200));
    const canceller = new pg.Client({ connectionString: variable('SCRATCHPAD') });
    canceller.on('error', () => {});
    const stream = canceller.connection;
    stream.on('error', () => {});
    stream.on('connect', () => stream.cancel(victim.processID, victim.secretKey));
    stream.connect(parts('SCRATCHPAD').port, parts('SCRATCHPAD').host);
    await running;
    assert.equal((await victim.query('SELECT 1 AS n')).rows[0].n, 1);
  });
});

test('types come as they went', async () => {
  await db.query(`CREATE TABLE kind (id int PRIMARY KEY, big int8, price numeric, at timestamptz, d date, j jsonb, b bytea, flag bool, f float8, list text[], u uuid, r int4range, iv interval)`);
  const json = { a: [1, 2.5, null, true], 'ключ': "😀 ' \\" };
  const values = [1, '-9223372036854775808', '12345678901234567890.01234567890123456789', '2024-02-29 23:59:59.123456+05:30', '1000-01-01', JSON.stringify(json), Buffer.from([0, 1, 254, 255]), true, 0.1,
    ['a', 'b,c', null, '"q"'], '00000000-0000-4000-8000-0000000000ff', '[1,5)', '1 year 2 days 03:04:05'];
  await db.query(`INSERT INTO kind VALUES (${values.map((_, i) => `$${i + 1}`).join(', ')})`, values);
  await db.query('INSERT INTO kind (id) VALUES ($1)', [2]);
  for (const query of ['SELECT * FROM kind ORDER BY id', { name: 'kinds', text: 'SELECT * FROM kind WHERE id < $1 ORDER BY id', values: [9] }]) {
    const { rows: [row, empty] } = await db.query(query);
    assert.equal(row.big, '-9223372036854775808');
    assert.equal(row.price, '12345678901234567890.01234567890123456789');
    assert.equal(row.at.toISOString(), '2024-02-29T18:29:59.123Z');
    assert.deepEqual(row.j, json);
    assert.deepEqual(row.b, Buffer.from([0, 1, 254, 255]));
    assert.equal(row.flag, true);
    assert.equal(row.f, 0.1);
    assert.deepEqual(row.list, ['a', 'b,c', null, '"q"']);
    assert.equal(row.u, '00000000-0000-4000-8000-0000000000ff');
    assert.equal(row.r, '[1,5)');
    assert.equal(row.iv.years, 1);
    for (const [name, value] of Object.entries(empty)) if (name !== 'id') assert.equal(value, null, name);
  }
});

test('a big result and a big parameter', async () => {
  const { rows } = await db.query("SELECT n, repeat('x', 300) AS pad FROM generate_series(1, 64000) n");
  assert.equal(rows.length, 64000);
  assert.equal(rows.reduce((sum, row) => sum + row.n + row.pad.length, 0), (64000 * 64001) / 2 + 64000 * 300);
  const { rows: [{ n }] } = await db.query('SELECT length($1::text) AS n', ['y'.repeat(20 << 20)]);
  assert.equal(n, 20 << 20);
});

test('a client that goes away in a transaction leaves nothing behind', async () => {
  const gone = await connect(variable('SCRATCHPAD'));
  gone.on('error', () => {});
  await gone.query('BEGIN');
  await gone.query("INSERT INTO item (name) VALUES ('half')");
  await gone.query("UPDATE item SET name = 'held' WHERE name = 'one'");
  gone.connection.stream.destroy();
  await db.query("SET lock_timeout = '10s'");
  await db.query("UPDATE item SET name = 'free' WHERE name = 'one'");
  await db.query('RESET lock_timeout');
  assert.equal(Number((await db.query("SELECT count(*) AS n FROM item WHERE name = 'half'")).rows[0].n), 0);
});
