// Rules for the browser scripts in static/js. Run them with `make lint-js`.
import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["static/js/*.js"],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "script",
      globals: { ...globals.browser, htmx: "readonly", sessionTimeout: "writable" },
    },
    rules: {
      "array-callback-return": "error",
      camelcase: ["error", { properties: "never" }],
      complexity: ["error", 12],
      eqeqeq: "error",
      "no-eval": "error",
      "no-implicit-globals": ["error", { lexicalBindings: false }],
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-redeclare": ["error", { builtinGlobals: false }],
      "no-shadow": "error",
      "no-unused-expressions": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
];
