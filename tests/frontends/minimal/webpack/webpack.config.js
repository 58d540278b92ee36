const HtmlPlugin = require("html-webpack-plugin");

module.exports = {
  entry: "./src/main.js",
  output: { filename: "main.[contenthash].js", publicPath: "/", clean: true },
  plugins: [new HtmlPlugin({ title: "webpack", favicon: false })],
  devServer: {
    // The one line that is Django's doing: the page's own address, not the dev server's.
    client: { webSocketURL: "auto://0.0.0.0:0/ws" },
    historyApiFallback: true,
    port: process.env.PORT,
  },
};
