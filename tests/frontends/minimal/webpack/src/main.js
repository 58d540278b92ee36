import { heading } from "./heading.js";

const icon = document.createElement("link");
Object.assign(icon, { rel: "icon", href: "data:," });
document.head.append(icon);

const main = document.createElement("main");
document.body.append(main);
const show = () => {
  main.innerHTML = `<h1>${heading}</h1><p id="path">${location.pathname}</p>`;
};
show();
if (module.hot) {
  module.hot.accept("./heading.js", show);
}
