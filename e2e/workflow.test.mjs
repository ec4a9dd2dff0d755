// A schema change's whole way, by REST as pscale speaks it and by real
// clients, on both databases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { authority, call, gone, mysqlLogin, postgresLogin, request, until } from './orrery.mjs';

async function openMySQL(database, branch, keyspace) {
  const db = await mysql.createConnection({ ...(await mysqlLogin(database, branch)), database: keyspace, ssl: { ca: authority() } });
  db.on('error', () => {}); // sessions end when their branch goes
  return {
    run: (statement) => db.query(statement),
    rows: async (statement) => (await db.query(statement))[0],
    end: () => db.end(),
  };
}

async function openPostgres(database, branch) {
  const db = new pg.Client({ ...(await postgresLogin(database, branch)), ssl: { ca: authority() } });
  db.on('error', () => {}); // sessions end when their branch goes
  await db.connect();
  return {
    run: (statement) => db.query(statement),
    rows: async (statement) => (await db.query(statement)).rows,
    end: () => db.end(),
  };
}

const sides = {
  openinsure: {
    open: (branch) => openMySQL('openinsure', branch, 'oi_policies'),
    create: { name: 'add-color', parent_branch: '', cluster_size: 'PS_DEV' },
    table: 'vehicles',
    name: 'vehicles',
    ddl: 'ALTER TABLE vehicles ADD COLUMN color varchar(30) NULL',
    sneak: 'ALTER TABLE vehicles ADD COLUMN sneaked int',
    refusal: { errno: 1105 },
    added: /^\+.*`color` varchar\(30\)/m,
  },
  commerce: {
    open: (branch) => openPostgres('commerce', branch),
    create: { name: 'add-color', parent_branch: 'main', cluster_name: 'PS_DEV' },
    table: 'product',
    name: 'public.product',
    ddl: 'ALTER TABLE product ADD COLUMN color text; CREATE INDEX product_color_idx ON product (color)',
    sneak: 'ALTER TABLE product ADD COLUMN sneaked int',
    refusal: { message: /direct DDL is disabled/ },
    added: /^\+.*color.* text/m,
  },
};

for (const [database, side] of Object.entries(sides)) {
  test(`${database}: branch, change, deploy request, review, deploy, revert, deploy`, async () => {
    const d = `databases/${database}`;
    const count = async (db) => Number((await db.rows(`SELECT count(*) AS n FROM ${side.table}`))[0].n);

    // A branch: the schema is there, the data is not.
    const made = await call('POST', `${d}/branches`, side.create);
    assert.equal(made.name, 'add-color');
    assert.equal(made.parent_branch, 'main');
    await until(`${d}/branches/add-color`, (b) => b.ready, 'the branch gets ready');
    const production = await side.open('main');
    const branch = await side.open('add-color');
    try {
      const rows = await count(production);
      assert.ok(rows > 0);
      assert.equal(await count(branch), 0);
      await assert.rejects(production.run(side.sneak), side.refusal);
      await branch.run(side.ddl);
      const changed = await call('GET', `${d}/branches/add-color/diff`);
      assert.equal(changed.data.length, 1);
      assert.match(changed.data[0].raw, side.added);

      // The request: created, looked at, approved.
      const created = await call('POST', `${d}/deploy-requests`, { branch: 'add-color', into_branch: 'main', notes: 'colours', auto_delete_branch: true });
      assert.equal(created.state, 'open');
      assert.equal(created.into_branch, 'main');
      assert.ok(Number.isInteger(created.number));
      const path = `${d}/deploy-requests/${created.number}`;
      assert.equal((await call('GET', `${d}/deploy-requests?branch=add-color&state=open`)).data[0].number, created.number);
      await until(path, (r) => r.deployment_state === 'ready', 'the request gets ready');
      const diff = await call('GET', `${path}/diff`);
      assert.equal(diff.data.length, 1);
      assert.equal(diff.data[0].name, side.name);
      assert.match(diff.data[0].raw, side.added);
      await call('POST', `${path}/reviews`, { state: 'commented', body: 'why **colours**?' });
      const review = await call('POST', `${path}/reviews`, { state: 'approved', body: '' });
      assert.equal(review.state, 'approved');
      assert.equal((await call('GET', path)).approved, true);

      // Deployed, while clients write.
      let writing = true;
      let failures = 0;
      const writer = await side.open('main');
      const writes = (async () => {
        while (writing) await writer.run(`UPDATE ${side.table} SET ${database === 'commerce' ? 'update_ts = now()' : 'updated_at = now(3)'}`).catch(() => failures++);
      })();
      await call('POST', `${path}/deploy`, { instant_ddl: false });
      const deployed = await until(path, (r) => ['complete', 'complete_pending_revert', 'complete_error'].includes(r.deployment_state), 'the deployment ends');
      assert.equal(deployed.deployment_state, 'complete_pending_revert', JSON.stringify(deployed.deployment));
      await production.run(`UPDATE ${side.table} SET color = 'red'`);

      // Taken back: the column goes, the rows stay.
      await call('POST', `${path}/revert`, {});
      await until(path, (r) => r.deployment_state === 'complete_revert', 'the revert ends');
      writing = false;
      await writes;
      await writer.end();
      assert.equal(failures, 0, 'no write failed');
      await assert.rejects(production.rows(`SELECT color FROM ${side.table}`));
      assert.equal(await count(production), rows);

      // And again, for good: the branch goes too.
      const again = await call('POST', `${d}/deploy-requests`, { branch: 'add-color', notes: '', auto_delete_branch: true, auto_cutover: true });
      const second = `${d}/deploy-requests/${again.number}`;
      await until(second, (r) => r.deployment_state === 'ready', 'the request gets ready');
      await call('POST', `${second}/reviews`, { state: 'approved', body: '' });
      await call('POST', `${second}/deploy`, { instant_ddl: false });
      await until(second, (r) => r.deployment_state === 'complete_pending_revert', 'the deployment ends');
      await call('POST', `${second}/skip-revert`, {});
      const done = await until(second, (r) => r.deployment_state === 'complete', 'the revert window ends');
      assert.equal(done.state, 'closed');
      assert.ok((await production.rows(`SELECT color FROM ${side.table} LIMIT 1`)).length === 1);
      const operations = await call('GET', `${second}/operations`);
      assert.ok(operations.data.length > 0);
      for (const operation of operations.data) assert.equal(operation.state, 'complete');
      await gone(`${d}/branches/add-color`);
      const { status, answer } = await request('POST', `${second}/deploy`, { instant_ddl: false });
      assert.equal(status, 422);
      assert.ok(answer.message);
    } finally {
      await branch.end().catch(() => {});
      await production.end();
    }
    const log = await call('GET', 'audit-log?per_page=100');
    assert.ok(log.data.length > 0);
  });
}
