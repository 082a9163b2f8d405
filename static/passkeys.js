// A passkey that fails says so on the page: the packages' script would only tell the console.
document.addEventListener('allauth.error', (event) => {
  const note = document.getElementById('passkey-failed')
  if (!note) return
  event.preventDefault()
  note.hidden = false
  note.focus()
})
