/* IO Portal: small helps. Every page works without this file. */
(function () {
  "use strict";

  function focusErrors(root) {
    var summary = root.querySelector("[data-error-summary]");
    if (summary) {
      summary.focus();
      summary.scrollIntoView({ block: "nearest" });
    }
    return Boolean(summary);
  }

  /* The button of a decision repeats the choice: data-repeat="Conferma: " data-repeat-from="decision". */
  function repeatChoice(form) {
    form.querySelectorAll("[data-repeat]").forEach(function (button) {
      var name = button.getAttribute("data-repeat-from");
      var chosen = form.querySelector('input[type="radio"][name="' + name + '"]:checked');
      if (!chosen) return;
      var label = chosen.closest("label");
      var word = chosen.getAttribute("data-word") || (label && label.querySelector("b") ? label.querySelector("b").textContent : "");
      if (word) {
        button.textContent = button.getAttribute("data-repeat") + word.charAt(0).toLowerCase() + word.slice(1);
      }
    });
  }

  function release(form) {
    form.removeAttribute("data-sent");
    form.querySelectorAll("[data-held]").forEach(function (button) {
      button.removeAttribute("data-held");
      button.removeAttribute("aria-disabled");
    });
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.hasAttribute("data-once")) return;
    if (form.hasAttribute("data-sent")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.setAttribute("data-sent", "");
    /* After the values are collected: a disabled button would not send its name. */
    form.querySelectorAll('button:not([type="button"])').forEach(function (button) {
      button.setAttribute("data-held", "");
      button.setAttribute("aria-disabled", "true");
    });
  }, true);

  /* Back from the browser's memory: the form may go again. */
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(release);
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches('input[type="radio"]') && event.target.form) repeatChoice(event.target.form);
  });

  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (menu !== except) menu.open = false;
    });
  }
  ["click", "focusin"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      closeMenus(event.target.closest("details.menu"));
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    var menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /* A link of the error summary leads into the field, not only near it. */
  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-error-summary] a[href^='#']");
    var target = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!target) return;
    event.preventDefault();
    target.focus();
    (target.closest(".field") || target).scrollIntoView({ block: "center" });
  });

  ["htmx:afterRequest", "htmx:validation:halted"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var form = event.target.closest("form[data-sent]");
      if (form) release(form);
    });
  });
  /* Nobody looks: no need to ask again until the tab is in front. */
  document.addEventListener("htmx:beforeRequest", function (event) {
    var trigger = event.target.getAttribute("hx-trigger") || "";
    if (document.hidden && trigger.indexOf("every ") !== -1) event.preventDefault();
  });
  document.addEventListener("htmx:load", function (event) {
    if (event.target !== document.body) event.target.querySelectorAll("form").forEach(repeatChoice);
  });

  document.querySelectorAll("form").forEach(repeatChoice);
  focusErrors(document);
})();
