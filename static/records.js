// What was sent before the question who one is is answered at the question's address. The page takes its own again,
// so that what is sent from it goes where it belongs (unfold sends a form to the address of the window).
(() => {
  const own = document.querySelector("meta[name=own-address]").content;
  if (new URL(own, location.href).pathname !== location.pathname) history.replaceState(history.state, "", own);
})();
