import assets from "./assets.json";
import canvas from "./canvas.json";
import compose from "./compose.json";
import jobs from "./jobs.json";
import kinds from "./kinds.json";
import service from "./service.json";
import shell from "./shell.json";

export default { assets, canvas, compose, jobs, kinds, service, shell };
