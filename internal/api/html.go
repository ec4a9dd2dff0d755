package api

import "html"

// markup is a text as the HTML that clients put into a page.
func markup(text string) string {
	return `<div class="highlight"><pre>` + html.EscapeString(text) + `</pre></div>`
}
