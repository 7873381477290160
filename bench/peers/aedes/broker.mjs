// aedes with rows in SQLite: a message is acknowledged once it is committed, with all that came meanwhile.
import { createServer } from "node:net";
import { writeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Aedes } from "aedes";

const [folder] = process.argv.slice(2);
const db = new DatabaseSync(`${folder}/aedes.db`);
db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE reading (series INTEGER, at INTEGER, value REAL, PRIMARY KEY (series, at)) WITHOUT ROWID`);
const insert = db.prepare("INSERT OR IGNORE INTO reading VALUES (?, ?, ?)");
const progress = openSync(`${folder}/progress`, "w");
let heard = [], last = 0, rows = 0;

function keep() {
  const batch = heard;
  heard = [];
  db.exec("BEGIN IMMEDIATE");
  for (const [packet] of batch) {
    const first = Number(packet.topic.split("/")[2]) * 3;
    const said = JSON.parse(packet.payload);
    last = Math.max(last + 1, Date.now() * 1000);
    insert.run(first, last, said.temperature);
    insert.run(first + 1, last, said.humidity);
    insert.run(first + 2, last, said.co2);
    rows += 3;
  }
  db.exec("COMMIT");
  const count = Buffer.alloc(8);
  count.writeBigUInt64LE(BigInt(rows));
  writeSync(progress, count, 0, 8, 0);
  for (const [, done] of batch) done(null);
}

const broker = await Aedes.createBroker({
  concurrency: 10_000,
  authorizePublish(_client, packet, done) {
    if (!heard.length) setImmediate(keep);
    heard.push([packet, done]);
  },
});
const server = createServer(broker.handle);
server.listen(0, "127.0.0.1", () => console.log(`aedes ready mqtt=127.0.0.1:${server.address().port}`));
