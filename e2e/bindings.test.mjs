// The example applications' data, read through each URL of `orrery env`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { authority, variable } from './orrery.mjs';

const services = {
  HYPERDRIVE_GLOBAL: ['oi_global', 53, ['orgs', 'users', 'producers', 'programs', 'carriers']],
  HYPERDRIVE_POLICIES: ['oi_policies', 28, ['policies', 'policy_coverages', 'drivers', 'vehicles']],
  HYPERDRIVE_SUBMISSIONS: ['oi_submissions', 33, ['submissions', 'quotes', 'motor_carriers']],
  HYPERDRIVE_CLAIMS: ['oi_claims', 29, ['claims', 'claimants']],
  HYPERDRIVE_BILLING: ['oi_billing', 47, ['invoices', 'payments']],
};

for (const [name, [keyspace, count, samples]] of Object.entries(services)) {
  test(`${name} reads ${keyspace}`, async () => {
    const db = await mysql.createConnection({ uri: variable(name), ssl: { ca: authority(), rejectUnauthorized: true } });
    try {
      const [[{ d }]] = await db.query('SELECT database() AS d');
      assert.equal(d, keyspace);
      const [tables] = await db.query('SHOW TABLES');
      const names = tables.map((row) => Object.values(row)[0]);
      assert.equal(names.length, count);
      for (const table of samples) {
        const [rows] = await db.execute(`SELECT * FROM \`${table}\` LIMIT 3`);
        assert.ok(rows.length > 0, `${keyspace}.${table} has no rows`);
      }
      for (const table of names) {
        const [[{ n }]] = await db.query(`SELECT count(*) AS n FROM \`${table}\``);
        assert.ok(n > 0, `${keyspace}.${table} has no rows`);
      }
    } finally {
      await db.end();
    }
  });
}

test('HYPERDRIVE finds each table without its keyspace', async () => {
  const db = await mysql.createConnection(variable('HYPERDRIVE'));
  try {
    for (const [keyspace, , samples] of Object.values(services)) {
      for (const table of samples) {
        const [[{ n }]] = await db.query(`SELECT count(*) AS n FROM \`${table}\``);
        assert.ok(n > 0, `${table} (of ${keyspace}) has no rows`);
        const [[{ same }]] = await db.query(`SELECT count(*) AS same FROM \`${keyspace}\`.\`${table}\``);
        assert.equal(same, n);
      }
    }
  } finally {
    await db.end();
  }
});

for (const name of ['COMMERCE', 'COMMERCE_READER']) {
  test(`${name} reads commerce`, async () => {
    const db = new pg.Client({ connectionString: variable(name), ssl: { ca: authority(), rejectUnauthorized: true } });
    await db.connect();
    try {
      const { rows } = await db.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'");
      assert.equal(rows.length, 26);
      for (const { table_name: table } of rows) {
        const { rows: [{ n }] } = await db.query(`SELECT count(*)::int AS n FROM "${table}"`);
        assert.ok(n > 0, `${table} has no rows`);
      }
      const { rows: [product] } = await db.query('SELECT uid, status, labels, annotations, create_ts FROM product LIMIT 1');
      assert.match(product.uid, /^prd_/);
      for (const column of ['status', 'labels', 'annotations']) assert.equal(typeof product[column], 'object');
      assert.ok(product.create_ts instanceof Date);
      const { rows: [order] } = await db.query('SELECT uid FROM order_header WHERE state = $1 LIMIT 1', ['paid']);
      assert.match(order.uid, /^ord_/);
    } finally {
      await db.end();
    }
  });
}
