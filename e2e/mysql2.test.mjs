// mysql2, unmodified, through the gateway.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import mysqlCallbacks from 'mysql2';
import mysql from 'mysql2/promise';
import { authority, mysqlLogin, parts, variable } from './orrery.mjs';

const secure = () => ({ ca: authority(), rejectUnauthorized: true });

let db;
before(async () => {
  db = await mysql.createConnection(variable('SCRATCH'));
  await db.query('DROP TABLE IF EXISTS item, kind, big');
  await db.query('CREATE TABLE item (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(100) NOT NULL)');
});
after(() => db?.end());

async function connected(options, use) {
  const connection = await mysql.createConnection(options);
  try {
    return await use(connection);
  } finally {
    connection.destroy();
  }
}

test('query() and execute()', async () => {
  const [made] = await db.query('INSERT INTO item (name) VALUES (?), (?)', ['one', "it's"]);
  assert.equal(made.affectedRows, 2);
  assert.ok(made.insertId > 0);
  const [rows, fields] = await db.execute('SELECT id, name FROM item WHERE id = ?', [made.insertId + 1]);
  assert.deepEqual(rows, [{ id: made.insertId + 1, name: "it's" }]);
  assert.deepEqual(fields.map((f) => f.name), ['id', 'name']);
  // The same statement many times, as a web server does.
  for (let i = 0; i < 200; i++) {
    const [[row]] = await db.execute('SELECT ? + 1 AS n, ? AS t', [i, `t${i}`]);
    assert.equal(Number(row.n), i + 1);
    assert.equal(row.t, `t${i}`);
  }
  await assert.rejects(db.execute('SELECT nothing FROM item'), { code: 'ER_BAD_FIELD_ERROR', errno: 1054, sqlState: '42S22' });
  await assert.rejects(db.query('SELEC 1'), { code: 'ER_PARSE_ERROR', errno: 1064 });
  const [[still]] = await db.query('SELECT 1 AS n');
  assert.equal(still.n, 1);
});

test('prepare(), execute many, close', async () => {
  const statement = await db.prepare('SELECT ? AS a, ? AS b');
  for (const [a, b] of [['x', null], [1.5, 'ü€😀'], [Buffer.from([0, 255]), 3]]) {
    const [[row]] = await statement.execute([a, b]);
    assert.deepEqual(Object.keys(row), ['a', 'b']);
  }
  await statement.close();
  for (let i = 0; i < 50; i++) {
    const each = await db.prepare(`SELECT ${i} AS n`);
    const [[row]] = await each.execute([]);
    assert.equal(row.n, i);
    await each.close();
  }
});

test('transactions: rollback and commit, seen by nobody before', async () => {
  await connected(variable('SCRATCH'), async (other) => {
    const count = async (c) => (await c.query("SELECT count(*) AS n FROM item WHERE name = 'tx'"))[0][0].n;
    await db.beginTransaction();
    await db.query("INSERT INTO item (name) VALUES ('tx')");
    assert.equal(await count(db), 1);
    assert.equal(await count(other), 0);
    await db.rollback();
    assert.equal(await count(db), 0);
    await db.beginTransaction();
    await db.execute('INSERT INTO item (name) VALUES (?)', ['tx']);
    await db.query('SAVEPOINT before_more');
    await db.query("INSERT INTO item (name) VALUES ('tx')");
    await db.query('ROLLBACK TO SAVEPOINT before_more');
    await db.commit();
    assert.equal(await count(other), 1);
    await db.query('SET autocommit = 0');
    await db.query("INSERT INTO item (name) VALUES ('tx')");
    assert.equal(await count(other), 1);
    await db.query('ROLLBACK');
    await db.query('SET autocommit = 1');
    assert.equal(await count(db), 1);
  });
});

test('several statements in one query', async () => {
  await connected({ uri: variable('SCRATCH'), multipleStatements: true }, async (c) => {
    const [results] = await c.query("SELECT 1 AS a; INSERT INTO item (name) VALUES ('multi'); SELECT name FROM item WHERE name = 'multi'");
    assert.equal(results.length, 3);
    assert.deepEqual(results[0], [{ a: 1 }]);
    assert.equal(results[1].affectedRows, 1);
    assert.deepEqual(results[2], [{ name: 'multi' }]);
    await assert.rejects(c.query("INSERT INTO item (name) VALUES ('kept'); SELECT nothing; INSERT INTO item (name) VALUES ('never')"), { errno: 1054 });
    const [rows] = await c.query("SELECT name FROM item WHERE name IN ('kept', 'never')");
    assert.deepEqual(rows, [{ name: 'kept' }]);
  });
  await assert.rejects(db.query('SELECT 1; SELECT 2'), { errno: 1064 });
});

test('a pool of 20 connections under 500 concurrent queries', async () => {
  const pool = mysql.createPool({ uri: variable('SCRATCH'), connectionLimit: 20 });
  try {
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => (i % 2 ? pool.execute('SELECT ? AS n, sleep(0.002)', [i]) : pool.query(`SELECT ${i} AS n, sleep(0.002)`))));
    answers.forEach(([[row]], i) => assert.equal(Number(row.n), i));
    // Increments that would be lost without transactions of their own.
    await pool.query('CREATE TABLE IF NOT EXISTS counter (id int PRIMARY KEY, n int NOT NULL)');
    await pool.query('REPLACE INTO counter VALUES (1, 0)');
    await Promise.all(Array.from({ length: 60 }, async () => {
      const c = await pool.getConnection();
      try {
        await c.beginTransaction();
        const [[{ n }]] = await c.query('SELECT n FROM counter WHERE id = 1 FOR UPDATE');
        await c.execute('UPDATE counter SET n = ? WHERE id = 1', [n + 1]);
        await c.commit();
      } finally {
        c.release();
      }
    }));
    const [[{ n }]] = await pool.query('SELECT n FROM counter');
    assert.equal(n, 60);
  } finally {
    await pool.end();
  }
});

test('session state stays with its session', async () => {
  await connected(variable('SCRATCH'), async (other) => {
    await db.query("SET @mine = 'me', time_zone = '+03:00', sql_mode = 'ANSI_QUOTES'");
    await other.query("SET @mine = 'other'");
    const [[mine]] = await db.query('SELECT @mine AS mine, @@time_zone AS zone, @@sql_mode AS mode');
    assert.deepEqual(mine, { mine: 'me', zone: '+03:00', mode: 'ANSI_QUOTES' });
    const [[others]] = await other.query('SELECT @mine AS mine, @@time_zone AS zone');
    assert.equal(others.mine, 'other');
    assert.notEqual(others.zone, '+03:00');
    await other.query('CREATE TEMPORARY TABLE mine (n int)');
    await other.query('INSERT INTO mine VALUES (7)');
    await assert.rejects(db.query('SELECT n FROM mine'), { code: 'ER_NO_SUCH_TABLE' });
    const [[row]] = await other.query('SELECT n FROM mine');
    assert.equal(row.n, 7);
  });
  await db.changeUser(parts('SCRATCH'));
  const [[{ zone }]] = await db.query('SELECT @@time_zone AS zone');
  assert.notEqual(zone, '+03:00');
});

test('with TLS, verified against the authority, and without', async () => {
  const cipher = async (c) => (await c.query("SHOW STATUS LIKE 'Ssl_cipher'"))[0];
  await connected({ ...parts('SCRATCH'), ssl: secure() }, async (c) => {
    assert.equal((await c.query('SELECT 1 AS n'))[0][0].n, 1);
    assert.ok(c.connection.stream.encrypted ?? c.connection.stream.getCipher, 'the stream is encrypted');
    await cipher(c);
  });
  await connected({ ...parts('SCRATCH') }, async (c) => {
    assert.equal((await c.query('SELECT 1 AS n'))[0][0].n, 1);
  });
  await assert.rejects(mysql.createConnection({ ...parts('SCRATCH'), ssl: { rejectUnauthorized: true } }), { code: /HANDSHAKE_SSL_ERROR|UNABLE_TO_VERIFY|SELF_SIGNED/ });
});

test('a program that reads SSL_CERT_FILE needs no options', async () => {
  const program = `
    import mysql from 'mysql2/promise';
    const c = await mysql.createConnection({ uri: process.env.SCRATCH, ssl: {} });
    const [[row]] = await c.query('SELECT 42 AS n');
    console.log(row.n, c.connection.stream.getCipher !== undefined || c.connection.stream.encrypted === true);
    await c.end();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--use-openssl-ca', '--input-type=module', '-e', program], { cwd: fileURLToPath(new URL('.', import.meta.url)) });
  assert.match(stdout, /^42 /);
});

test('who may not come in is told why', async () => {
  const ok = parts('SCRATCH');
  const unbound = await mysqlLogin('scratch', 'main');
  for (const ssl of [undefined, secure()]) {
    await assert.rejects(mysql.createConnection({ ...ok, ssl, password: 'wrong' }), { code: 'ER_ACCESS_DENIED_ERROR', errno: 1045, sqlState: '28000' });
    await assert.rejects(mysql.createConnection({ ...ok, ssl, user: 'nobody' }), { code: 'ER_ACCESS_DENIED_ERROR' });
    await assert.rejects(mysql.createConnection({ ...unbound, ssl, database: 'nothing' }), { code: 'ER_BAD_DB_ERROR', errno: 1049 });
    // A binding's credential is for its keyspace, whatever others there are.
    for (const database of ['nothing', 'two']) await assert.rejects(mysql.createConnection({ ...ok, ssl, database }), { code: 'ER_DBACCESS_DENIED_ERROR', errno: 1044 });
  }
  await assert.rejects(mysql.createConnection({ ...ok, password: '' }), { code: 'ER_ACCESS_DENIED_ERROR' });
});

test('a reader reads', async () => {
  await connected(variable('SCRATCH_READER'), async (c) => {
    assert.ok((await c.query('SELECT count(*) AS n FROM item'))[0][0].n > 0);
    for (const statement of ["INSERT INTO item (name) VALUES ('x')", 'DELETE FROM item', 'DROP TABLE item', '/* c */ UPDATE item SET name = 1', 'TRUNCATE item']) {
      await assert.rejects(c.query(statement), { message: / command denied to user / }, statement);
      await assert.rejects(c.execute(statement), { message: / command denied to user / }, `prepared: ${statement}`);
    }
  });
});

test('direct DDL on a production branch is refused, however it is said', async () => {
  await connected({ ...parts('HYPERDRIVE_POLICIES'), multipleStatements: true }, async (c) => {
    const refused = (promise) => assert.rejects(promise, (e) => {
      assert.equal(e.errno, 1105, e.message);
      assert.match(e.message, /direct DDL is disabled/);
      return true;
    });
    await refused(c.query('ALTER TABLE policies ADD COLUMN sneaked int'));
    await refused(c.query('/*!50000 CREATE TABLE sneaked (id int PRIMARY KEY) */'));
    await refused(c.query('-- hello\n  cReAtE TABLE sneaked (id int PRIMARY KEY)'));
    await refused(c.query('SELECT 1; DROP TABLE policies'));
    await refused(c.execute('DROP TABLE policies'));
    await refused(c.query('CREATE INDEX sneaked ON policies (id)'));
    await refused(c.query('TRUNCATE TABLE policies')).catch(() => {});
    const [[{ n }]] = await c.query("SELECT count(*) AS n FROM information_schema.columns WHERE table_schema = database() AND column_name = 'sneaked'");
    assert.equal(n, 0);
  });
});

test('types come as they went', async () => {
  await db.query(`CREATE TABLE kind (
    id int PRIMARY KEY, big bigint, ubig bigint unsigned, price decimal(30,10), at datetime(6), stamp timestamp(3) NULL, d date, t time,
    j json, b blob, bits bit(10), flag tinyint(1), f double, e enum('a','b'), s set('x','y'), text varchar(200), y year)`);
  const json = { a: [1, 2.5, null, true], 'ключ': '😀' };
  const values = [1, '-9223372036854775808', '18446744073709551615', '12345678901234567890.0123456789', '2024-02-29 23:59:59.123456', '2024-02-29 12:00:00.123', '1000-01-01', '-838:59:59',
    JSON.stringify(json), Buffer.from([0, 1, 254, 255]), 5, 1, 0.1, 'b', 'x,y', "quote ' \\ ü 😀", 2024];
  await db.execute(`INSERT INTO kind VALUES (${values.map(() => '?').join(', ')})`, values);
  await db.execute(`INSERT INTO kind (id) VALUES (?)`, [2]);
  await connected({ uri: variable('SCRATCH'), supportBigNumbers: true, bigNumberStrings: true, dateStrings: true }, async (c) => {
    for (const how of ['query', 'execute']) {
      const [[row, empty]] = await c[how]('SELECT * FROM kind ORDER BY id');
      assert.equal(row.big, '-9223372036854775808', how);
      assert.equal(row.ubig, '18446744073709551615', how);
      assert.equal(row.price, '12345678901234567890.0123456789', how);
      assert.equal(row.at, '2024-02-29 23:59:59.123456', how);
      assert.equal(row.stamp, '2024-02-29 12:00:00.123', how);
      assert.equal(row.d, '1000-01-01', how);
      assert.equal(row.t, '-838:59:59', how);
      assert.deepEqual(row.j, json, how);
      assert.deepEqual(row.b, Buffer.from([0, 1, 254, 255]), how);
      assert.deepEqual(row.bits, Buffer.from([0, 5]), how);
      assert.equal(row.flag, 1, how);
      assert.equal(row.f, 0.1, how);
      assert.equal(row.e, 'b', how);
      assert.equal(row.s, 'x,y', how);
      assert.equal(row.text, "quote ' \\ ü 😀", how);
      assert.equal(row.y, 2024, how);
      for (const [name, value] of Object.entries(empty)) if (name !== 'id') assert.equal(value, null, `${how} ${name}`);
    }
  });
  const [[row]] = await db.query('SELECT at FROM kind WHERE id = 1');
  assert.ok(row.at instanceof Date);
});

test('USE changes the keyspace', async () => {
  await connected({ ...parts('SCRATCH'), database: undefined, ...(await mysqlLogin('scratch', 'main')) }, async (c) => {
    await c.query('USE one');
    assert.equal((await c.query('SELECT database() AS d'))[0][0].d, 'one');
    await c.query('USE two');
    assert.equal((await c.query('SELECT database() AS d'))[0][0].d, 'two');
    await c.query('CREATE TABLE IF NOT EXISTS only_two (id int PRIMARY KEY)');
    assert.equal((await c.query('SELECT count(*) AS n FROM only_two'))[0][0].n, 0);
    await c.query('USE one');
    await assert.rejects(c.query('SELECT * FROM only_two'), { code: 'ER_NO_SUCH_TABLE' });
    await assert.rejects(c.query('USE nothing'), { code: 'ER_BAD_DB_ERROR' });
    assert.equal((await c.query('SELECT database() AS d'))[0][0].d, 'one');
  });
});

test('a big result, whole and streamed', async () => {
  await db.query('CREATE TABLE big (id int PRIMARY KEY, pad varchar(300) NOT NULL)');
  await db.query("INSERT INTO big WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 1000) SELECT id, repeat('x', 300) FROM n");
  for (let rows = 1000; rows < 64000; rows *= 2) await db.query('INSERT INTO big SELECT id + ?, pad FROM big', [rows]);
  const [rows] = await db.query('SELECT * FROM big');
  assert.equal(rows.length, 64000);
  assert.equal(rows.reduce((sum, row) => sum + row.id + row.pad.length, 0), (64000 * 64001) / 2 + 64000 * 300);
  const [prepared] = await db.execute('SELECT * FROM big WHERE id > ?', [0]);
  assert.equal(prepared.length, 64000);

  const streaming = mysqlCallbacks.createConnection(variable('SCRATCH'));
  let sum = 0;
  let slow = 0;
  for await (const row of streaming.query('SELECT * FROM big').stream({ highWaterMark: 10 })) {
    sum += row.id;
    if (slow++ % 16000 === 0) await new Promise((r) => setTimeout(r, 100)); // a client that is slower than the server
  }
  assert.equal(sum, (64000 * 64001) / 2);
  await new Promise((r) => streaming.end(r));

  const [[{ n }]] = await db.query('SELECT length(?) AS n', ['y'.repeat(20 << 20)]);
  assert.equal(n, 20 << 20, 'a query of more than one packet');
});

test('a connection that is killed ends; others go on', async () => {
  const victim = await mysql.createConnection(variable('SCRATCH'));
  victim.on('error', () => {});
  const id = victim.threadId;
  const running = victim.query('SELECT sleep(30)');
  running.catch(() => {});
  await new Promise((r) => setTimeout(r, 200));
  const started = Date.now();
  await db.query(`KILL QUERY ${id}`);
  // A sleep that is interrupted answers 1; any other statement fails with 1317.
  const outcome = await running.then(([[row]]) => Object.values(row)[0], (e) => e.errno);
  assert.ok(outcome === 1 || outcome === 1317, `${outcome}`);
  assert.ok(Date.now() - started < 5000);
  assert.equal((await victim.query('SELECT 1 AS n'))[0][0].n, 1, 'the session survives KILL QUERY');

  const closed = once(victim.connection.stream, 'close');
  await db.query(`KILL ${id}`);
  await closed;
  await assert.rejects(victim.query('SELECT 1'));
  assert.equal((await db.query('SELECT 1 AS n'))[0][0].n, 1);
  await assert.rejects(db.query('KILL 4000000000'), { code: 'ER_NO_SUCH_THREAD' });
});

test('a client that goes away in a transaction leaves nothing behind', async () => {
  const gone = await mysql.createConnection(variable('SCRATCH'));
  gone.on('error', () => {});
  await gone.beginTransaction();
  await gone.query("INSERT INTO item (name) VALUES ('half')");
  await gone.query("UPDATE item SET name = 'held' WHERE name = 'multi'");
  gone.destroy();
  // The lock is free as soon as the gateway has seen it.
  await db.query('SET innodb_lock_wait_timeout = 10');
  await db.query("UPDATE item SET name = 'free' WHERE name = 'multi'");
  assert.equal((await db.query("SELECT count(*) AS n FROM item WHERE name = 'half'"))[0][0].n, 0);
});
