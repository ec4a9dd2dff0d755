// Drizzle over mysql2 and pg: queries, prepared ones, transactions, and its
// migrator, whose journal is a table of the branch.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eq, sql } from 'drizzle-orm';
import * as my from 'drizzle-orm/mysql-core';
import { drizzle as drizzleMySQL } from 'drizzle-orm/mysql2';
import { migrate as migrateMySQL } from 'drizzle-orm/mysql2/migrator';
import { drizzle as drizzlePostgres } from 'drizzle-orm/node-postgres';
import { migrate as migratePostgres } from 'drizzle-orm/node-postgres/migrator';
import * as post from 'drizzle-orm/pg-core';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { variable } from './orrery.mjs';

const sides = {
  MySQL: {
    open: async () => {
      const pool = mysql.createPool({ uri: variable('SCRATCH'), connectionLimit: 5 });
      return [drizzleMySQL({ client: pool }), () => pool.end()];
    },
    table: my.mysqlTable('novel', { id: my.serial().primaryKey(), title: my.varchar({ length: 200 }).notNull(), about: my.json() }),
    dialect: 'mysql',
    migrate: migrateMySQL,
    migrations: [
      'CREATE TABLE `novel` (`id` serial AUTO_INCREMENT NOT NULL, `title` varchar(200) NOT NULL, CONSTRAINT `novel_id` PRIMARY KEY(`id`));',
      'ALTER TABLE `novel` ADD `about` json;\n--> statement-breakpoint\nCREATE INDEX `title_idx` ON `novel` (`title`);',
    ],
  },
  PostgreSQL: {
    open: async () => {
      const pool = new pg.Pool({ connectionString: variable('SCRATCHPAD'), max: 5 });
      return [drizzlePostgres({ client: pool }), () => pool.end()];
    },
    table: post.pgTable('novel', { id: post.serial().primaryKey(), title: post.text().notNull(), about: post.jsonb() }),
    dialect: 'postgresql',
    migrate: migratePostgres,
    migrations: [
      'CREATE TABLE "novel" ("id" serial PRIMARY KEY NOT NULL, "title" text NOT NULL);',
      'ALTER TABLE "novel" ADD COLUMN "about" jsonb;\n--> statement-breakpoint\nCREATE INDEX "title_idx" ON "novel" ("title");',
    ],
  },
};

for (const [name, side] of Object.entries(sides)) {
  test(`Drizzle on ${name}`, async () => {
    const [db, end] = await side.open();
    const folder = await mkdtemp(join(tmpdir(), 'orrery-drizzle-'));
    try {
      await mkdir(join(folder, 'meta'));
      const entries = [];
      for (const [idx, text] of side.migrations.entries()) {
        await writeFile(join(folder, `000${idx}_step.sql`), text);
        entries.push({ idx, version: '7', when: 1700000000000 + idx, tag: `000${idx}_step`, breakpoints: true });
      }
      await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify({ version: '7', dialect: side.dialect, entries }));
      await side.migrate(db, { migrationsFolder: folder });
      await side.migrate(db, { migrationsFolder: folder }); // nothing is left to do

      const { table } = side;
      await db.insert(table).values([{ title: 'Emma', about: { year: 1815 } }, { title: "Ada, or Ardor's", about: null }]);
      const found = await db.select().from(table).where(eq(table.title, 'Emma'));
      assert.deepEqual(found.map((row) => [row.title, row.about]), [['Emma', { year: 1815 }]]);
      const prepared = db.select({ id: table.id }).from(table).where(eq(table.title, sql.placeholder('title'))).prepare('by_title');
      for (let i = 0; i < 20; i++) assert.equal((await prepared.execute({ title: 'Emma' })).length, 1);
      await assert.rejects(db.transaction(async (tx) => {
        await tx.update(table).set({ title: 'lost' });
        await tx.transaction(async (inner) => inner.insert(table).values({ title: 'inner' }));
        throw new Error('no');
      }), { message: 'no' });
      assert.equal((await db.select().from(table).where(eq(table.title, 'lost'))).length, 0);
      await db.transaction(async (tx) => {
        await tx.delete(table).where(eq(table.title, 'Emma'));
      });
      assert.equal((await db.select().from(table)).length, 1);
    } finally {
      await rm(folder, { recursive: true });
      await end();
    }
  });
}
