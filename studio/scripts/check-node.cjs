// Runs before the tests. Without it an older Node fails in the middle of vitest, with an error that does not name it.
const { engines } = require("../package.json");

const needed = Number(engines.node.replace(/\D/g, ""));
const found = process.versions.node;
if (Number(found.split(".")[0]) < needed) {
  process.stderr.write(`The studio's tests need Node ${needed} or newer, this is ${found}: run make test-studio.\n`);
  process.exit(1);
}
