// dbmate, the program, on a development branch of each database.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { call, mysqlLogin, postgresLogin, until, variable } from './orrery.mjs';

const program = fileURLToPath(new URL('node_modules/.bin/dbmate', import.meta.url));

const sides = {
  scratch: async () => {
    const l = await mysqlLogin('scratch', 'migrating');
    return [`mysql://${l.user}:${l.password}@${l.host}:${l.port}/two`, 'CREATE TABLE migrated (id int PRIMARY KEY);\nCREATE TABLE second (id int PRIMARY KEY);'];
  },
  scratchpad: async () => {
    const l = await postgresLogin('scratchpad', 'migrating');
    return [`postgres://${l.user}:${l.password}@${l.host}:${l.port}/${l.database}?sslmode=verify-full&sslrootcert=${encodeURIComponent(variable('SSL_CERT_FILE'))}`,
      'CREATE TABLE migrated (id int PRIMARY KEY);\nCREATE INDEX CONCURRENTLY migrated_idx ON migrated (id);'];
  },
};

for (const [database, side] of Object.entries(sides)) {
  test(`dbmate on ${database}`, async () => {
    await call('POST', `databases/${database}/branches`, { name: 'migrating', parent_branch: 'main' });
    await until(`databases/${database}/branches/migrating`, (b) => b.ready, 'the branch gets ready');
    const folder = await mkdtemp(join(tmpdir(), 'orrery-dbmate-'));
    try {
      const [url, statements] = await side();
      const [first, second] = statements.split('\n');
      const outside = second.includes('CONCURRENTLY') ? ' transaction:false' : '';
      await writeFile(join(folder, '20240101000000_first.sql'), `-- migrate:up\n${first}\n\n-- migrate:down\nDROP TABLE migrated;\n`);
      await writeFile(join(folder, '20240102000000_second.sql'), `-- migrate:up${outside}\n${second}\n\n-- migrate:down${outside}\nDROP ${outside ? 'INDEX migrated_idx' : 'TABLE second'};\n`);
      const dbmate = async (...command) => (await promisify(execFile)(program, ['--url', url, '--migrations-dir', folder, '--no-dump-schema', ...command])).stdout;
      assert.match(await dbmate('migrate'), /20240102000000_second\.sql/);
      assert.match(await dbmate('status'), /Applied: 2\nPending: 0/);
      await dbmate('rollback');
      assert.match(await dbmate('status'), /Applied: 1\nPending: 1/);
      await dbmate('migrate');
      const diff = await call('GET', `databases/${database}/branches/migrating/diff`);
      assert.ok(diff.data.some((d) => d.name.endsWith('migrated')));
      await call('DELETE', `databases/${database}/branches/migrating`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
