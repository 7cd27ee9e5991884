"""The console in a real browser: an administrator's story, with a script and without.

usage: browser.py SERVER SIMULATED_IDP [SCREENSHOTS]

Every page must pass axe (wcag2a, 2aa, 21a, 21aa, 22aa and best practice) in light and dark, be no
wider than a window of 320 pixels or more, in forced colours and on paper too, and break no rule of
the content security policy. Without a script, and once more with one for some pages, the server is
reached below a path.
"""

import importlib.util
import json
import re
import ssl
import subprocess
import sys
import tempfile
import traceback
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from checks import check, finish, free_port

PASSWORD = "four random words suffice"
RULES = {"runOnly": {"type": "tag", "values": [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
WIDTHS = (320, 390, 1024, 1440)
HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "=1+1", "'; DROP TABLE users",
    "\u202egnp.exe", "{{7*7}}", "x" * 400, "\U0001f469\u200d\U0001f680", "a&lt;b", "../../etc",
]
# With screenshots, which people read, the names are those of people.
FRIENDLY = ["Azure AD SCIM Provisioning", "Cost centre", "Mia Weber", "Noah Fischer", "Ava Stone",
            "Liam Okafor", "Emma Rossi", "Luca Moreau", "Zoe Tanaka", "Ben Novak"]


class Story:
    def __init__(self, server, idp, scripted, shots, path=""):
        self.idp, self.scripted, self.shots = idp, scripted, shots
        self.names = FRIENDLY if shots else HOSTILE
        self.folder = tempfile.TemporaryDirectory()
        port = free_port()
        self.server = subprocess.Popen(
            [server, "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", self.folder.name,
             "--public-url", f"https://localhost:{port}{path}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.setup = ""
        while "/setup?" not in self.setup:
            self.setup = self.server.stdout.readline().strip()
        self.base = self.setup.split("/admin")[0]
        options = webdriver.ChromeOptions()
        for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
                       "--no-first-run", "--disable-background-networking",
                       "--disable-component-update", "--disable-sync",
                       "--force-prefers-reduced-motion", "--window-size=1280,900"):
            options.add_argument(option)
        options.accept_insecure_certs = True
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not scripted:
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.browser = webdriver.Chrome(
            options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        rules = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
        self.axe = (Path(rules) / "axe.min.js").read_text()

    def end(self):
        self.browser.quit()
        self.server.terminate()
        self.server.wait()

    def open(self, path):
        # An address that a page has says the whole path.
        below = urllib.parse.urlsplit(self.base).path
        self.browser.get(self.base + path.removeprefix(below))

    def until(self, true):
        """Waits for something on a page that may be going away."""
        def held(_browser):
            try:
                return true()
            except WebDriverException as error:
                if "does not belong to the document" in str(error):
                    return False
                raise
        waiting = WebDriverWait(
            self.browser, 15, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(held)

    def find(self, css):
        return self.until(lambda: self.browser.find_elements(By.CSS_SELECTOR, css))[0]

    def fill(self, css, text):
        field = self.find(css)
        field.clear()
        field.send_keys(text)

    def press(self, text, within="body"):
        """Presses the button or link of a text, once it is there."""
        css = f"{within} button, {within} a"

        def pressed():
            for one in self.browser.find_elements(By.CSS_SELECTOR, css):
                if one.text == text:
                    one.click()
                    return True
            return False
        self.until(pressed)

    def wait(self, text):
        self.until(lambda: text in self.browser.find_element(By.TAG_NAME, "body").text)

    def look(self, name):
        """Checks the page as it is, in light and dark."""
        for scheme in ("light", "dark"):
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme", "value": scheme}]})
            if self.shots and self.scripted:
                self.browser.save_screenshot(str(Path(self.shots) / f"{name}-{scheme}.png"))
            if not self.scripted:
                continue
            for width in WIDTHS if scheme == "light" else (1440,):
                self.size(width)
                check(f"{name} is no wider than a window of {width}", not self.wide())
                # One that is taller has a letter in each line.
                check(f"{name} has captions that can be read at {width}", self.script(
                    "[...document.querySelectorAll('caption')]"
                    ".every(one => one.offsetHeight <= one.offsetWidth)"))
                if self.shots and width == 390:
                    self.browser.save_screenshot(str(Path(self.shots) / f"{name}-phone.png"))
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            self.browser.execute_script(self.axe)
            found = self.browser.execute_async_script(
                "axe.run(document, arguments[0]).then(arguments[1])", RULES)
            said = [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]
            check(f"{name} in {scheme} passes axe", not said, said)
        if self.scripted:
            self.modes(name)
        errors = [entry["message"] for entry in self.browser.get_log("browser")
                  if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
                  # A form that is refused, or waits for a decision, says so by its status.
                  and not re.search(r"422 \(Unprocessable|409 \(Conflict", entry["message"])]
        check(f"{name} breaks no policy", not errors, errors)

    def size(self, width):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})

    def wide(self):
        return self.script("document.documentElement.scrollWidth > innerWidth")

    def modes(self, name):
        """Forced colours, and paper, on which nothing scrolls."""
        features = [{"name": "forced-colors", "value": "active"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        check(f"{name} is no wider in forced colours", not self.wide())
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        self.size(1024)
        check(f"{name} is no wider on paper", not self.wide())
        hidden = self.script("""[...document.querySelectorAll(".wide")].some((one) =>
            getComputedStyle(one).overflowY !== "visible")""")
        check(f"{name} hides nothing on paper", not hidden)
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

    def confirm(self):
        """Enters the password again where it is asked for; just signed in, nobody asks."""
        if self.browser.find_elements(By.NAME, "confirm_password"):
            self.fill("#password", PASSWORD)
            self.press("Continue")

    def run(self):
        self.browser.get(self.setup)
        self.look("set-up")
        self.fill("#name", "ada")
        self.fill("#password", PASSWORD)
        self.press("Create the administrator")
        self.wait("No identity provider is connected yet")
        self.look("empty-list")

        self.press("Configure Provisioning")
        if self.scripted:
            self.find("dialog[open] #name")
        self.look("drawer")
        self.fill("#drawer #name", self.names[0])
        self.press("Add", "#drawer")
        self.wait("The configuration is there")
        token = self.find("#token").get_attribute("value")
        endpoint = self.find("#token-endpoint").get_attribute("value")
        check("the token is shown on creation", token.startswith("sopscim_"), token[:9])
        if self.scripted:
            self.browser.execute_cdp_cmd("Browser.grantPermissions", {
                "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
            for field, value in (("token-endpoint", endpoint), ("token", token)):
                self.find(f"[data-copy={field}]").click()
                self.wait("Copied")
                copied = self.browser.execute_async_script(
                    "navigator.clipboard.readText().then(arguments[0])")
                check(f"{field} is copied", copied == value)
        self.look("token")

        provisioned = subprocess.run(
            [self.idp, "--base", endpoint, "--token", token, "--users", "30", "--groups", "3",
             "--dialect", "entra", "--insecure"], capture_output=True, check=False)
        check("an identity provider provisions with them", provisioned.returncode == 0)
        self.add_people(endpoint, token)

        self.press("Done")
        self.wait("Provisioning configurations: 1")
        self.look("list")
        self.press(self.names[0])
        self.wait("log entries in 7 days")
        self.look("configuration")
        one = self.path()
        self.watch(one)
        self.people()
        self.mapping(one)
        self.tables(one)
        self.groups_and_policy(one)
        self.runs(one)
        self.guides(one)
        self.rotate(one, token)
        self.switch()
        self.nothing_is_lost(one)
        self.held(one, endpoint, token)
        self.links(one, endpoint, token)
        self.settings()
        if self.scripted:
            self.keys(one)
            self.drawers(one)
            self.filters()
            self.signed_out(one)
        self.open("/admin/security/audit?event=token.")
        self.wait("token.created")
        self.look("audit")
        self.open("/admin")
        self.wait("What went wrong last")
        self.look("overview")
        self.open("/admin/help")
        self.look("help")
        self.open("/admin/api-docs")
        self.find("main summary").click()
        self.wait("Answers")
        self.look("api-docs")
        self.open("/admin/api-docs/schemas/Event")
        self.look("api-schema")
        self.delete(one)
        self.menu()
        self.press("Sign out")
        self.wait("Sign in")
        self.look("sign-in")
        verified = subprocess.run([self.server.args[0], "audit", "verify", "--data-dir",
                                   self.folder.name], capture_output=True, text=True, check=False)
        check("the audit holds", verified.returncode == 0, verified.stderr)

    def path(self):
        """Where the browser is, below the public URL."""
        below = self.browser.current_url.removeprefix(self.base)
        return urllib.parse.urlsplit(below).path

    def walk(self):
        """What a script knows of the path below which the server is reached."""
        self.browser.get(self.setup)
        self.fill("#name", "ada")
        self.fill("#password", PASSWORD)
        self.press("Create the administrator")
        self.wait("No identity provider is connected yet")
        self.press("Configure Provisioning")
        self.fill("dialog[open] #name", self.names[0])
        self.press("Add", "#drawer")
        self.wait("The configuration is there")
        self.press("Done")
        self.press(self.names[0])
        self.wait("log entries in 7 days")
        one = self.path()
        for page in ("", "/alerts", "/users", "/groups", "/users/tables", "/security/audit", "/settings",
                     "/api-docs"):
            self.open("/admin" + page)
            self.find("main h1")
            self.look("below-a-path")
        self.open(one + "/mappings/user/rules/email")
        self.find("form[data-try]")
        self.look("rule-below-a-path")
        self.signed_out(one)
        self.menu()
        self.press("Sign out")
        self.wait("Sign in")
        self.look("sign-in-below-a-path")

    def choose(self, css, text):
        Select(self.find(css)).select_by_visible_text(text)

    def watch(self, one):
        """The log: filters, an entry, a file."""
        self.open(one + "/logs")
        self.wait("success")
        self.look("logs-of-one")
        self.open("/admin/users/scim-provisioning/logs")
        self.wait("success")
        self.look("logs")
        if self.scripted:
            self.rows()
            self.clock()
            self.press("Pause live updates")
            self.wait("Resume live updates")
            self.press("Resume live updates")
        self.fill("#q", "person3")
        if self.scripted:
            self.until(lambda: "q=person3" in self.browser.current_url)
        else:
            self.press("Show")
        self.until(lambda: "person4" not in self.browser.find_element(By.ID, "found").text
                   and "person3" in self.browser.find_element(By.ID, "found").text)
        check("the log is found by a name", True)
        self.choose_columns()
        self.find("tbody th a").click()
        self.wait("Request id")
        self.look("event")
        self.resolve()
        self.open("/admin/users/scim-provisioning/logs?outcome=held&time=24h")
        self.wait("Nothing fits")
        self.look("logs-empty")

    def rows(self):
        """Entries are lines, and what matters of them is in sight."""
        seen = """(() => {
            const part = document.querySelector("#found .wide").getBoundingClientRect();
            const inside = (one) => one.getBoundingClientRect().left >= part.left
                && one.getBoundingClientRect().left < part.right - 40;
            return [...document.querySelectorAll(".log tbody :is(.outcome, .reason)")]
                .filter((one) => one.textContent).every(inside);
        })()"""
        for width in WIDTHS:
            self.size(width)
            check(f"outcome and reason are in sight at {width}", self.script(seen))
        tall = self.script("""Math.max(...[...document.querySelectorAll(".log tbody tr")]
            .map((row) => row.offsetHeight))""")
        check("an entry is a line of 40 pixels", tall <= 41, tall)
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def clock(self):
        """Times are those of whoever looks, and so are those of the filter."""
        self.browser.execute_cdp_cmd(
            "Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
        self.open("/admin/users/scim-provisioning/logs")
        at = self.find("tbody time")
        utc = datetime.fromisoformat(at.get_attribute("datetime").replace("Z", "+00:00"))
        tokyo = (utc + timedelta(hours=9)).strftime("%Y-%m-%d %H:%M:%S")
        check("a time is shown by the clock of whoever looks", at.text == tokyo, at.text)
        check("and that is said", "times are Asia/Tokyo" in self.find("caption").text)
        self.browser.execute_script("""
            const from = document.getElementById("from");
            from.value = arguments[0];
            from.dispatchEvent(new Event("input", { bubbles: true }));""",
            (utc + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M"))
        self.until(lambda: "zone=Asia%2FTokyo" in self.browser.current_url)
        check("what is entered is by that clock",
              self.until(lambda: self.find("tbody time").get_attribute("datetime")))
        self.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})
        self.open("/admin/users/scim-provisioning/logs")
        self.wait("success")

    def heads(self):
        return [one.text for one in self.browser.find_elements(By.CSS_SELECTOR, "#found thead th")]

    def choose_columns(self):
        """Another column, which the address keeps."""
        self.find(".choice summary").click()
        self.look("logs-columns")
        self.find(".choice input[value=client]").click()
        if not self.scripted:
            self.press("Show")
        self.until(lambda: "column=client" in self.browser.current_url)
        self.until(lambda: "Client" in self.heads())
        self.open(self.browser.current_url.removeprefix(self.base))
        self.until(lambda: "Client" in self.heads())
        check("the address keeps the columns", "q=person3" in self.browser.current_url)

    def resolve(self):
        """A failure is dealt with, and then it is not."""
        self.open("/admin/users/scim-provisioning/logs?state=open&outcome=failure")
        self.find("tbody th a").click()
        self.press("Replay")
        self.confirm()
        if "done=" not in self.browser.current_url:
            self.press("Replay")
        self.wait("This is what came of it")
        self.look("event-replayed")
        self.press("Mark as resolved")
        self.wait("Resolved at")
        self.look("event-resolved")
        entry = self.path()
        self.open("/admin/users/scim-provisioning/logs?state=resolved")
        self.find("tbody th a")
        self.look("logs-resolved")
        self.open(entry)
        self.press("Reopen")
        self.wait("Open again")

    def people(self):
        for page in ("users", "groups"):
            self.open(f"/admin/{page}")
            self.wait("Managed by SCIM")
            self.look(page)
            self.find("tbody th a").click()
            self.wait("Activity")
            self.look(page[:-1])
        self.open("/admin/users?q=person")
        self.wait("person")
        self.look("users-found")
        self.find("tbody th a").click()
        self.wait("Activity")
        self.press("Block")
        self.confirm()
        self.wait("Blocked.")
        self.wait("1 field differs")
        self.look("user-drifted")
        self.press("Unblock")
        self.wait("Active again.")
        self.open("/admin/users/user-form")
        self.look("fields-empty")
        self.press("Add field")
        self.fill("#label", self.names[1])
        self.fill("#key", "cost_centre")
        self.look("field")
        self.press("Add field", "#drawer")
        self.wait("Custom fields: 1")
        self.look("fields")

    def mapping(self, one):
        """A rule is added, previewed, counted and activated."""
        self.open(one + "/mappings/user")
        self.wait("version 1 active")
        self.look("mapping")
        self.picture()
        self.open(one + "/mappings/user")
        self.press("Add rule")
        self.offers()
        Select(self.find("#target")).select_by_value("custom_fields.cost_centre")
        self.look("rule")
        self.tried()
        self.press("Keep in the draft", "#drawer")
        self.wait("There is no transform")
        if self.scripted:
            check("a refused drawer stays a drawer", self.find("dialog[open] #transforms[aria-invalid]"))
        self.look("rule-refused")
        self.fill("#transforms", "trim\nprefix: \"CC-\"")
        self.press("Keep in the draft", "#drawer")
        self.wait("draft with 1 change")
        self.look("mapping-draft")
        self.press("Preview")
        document = json.loads(self.find("#document").get_attribute("value"))
        document["nickName"] = " 4711 "
        self.fill("#document", json.dumps(document))
        self.press("Preview", "form")
        self.wait("CC-4711")
        check("the preview shows what the rule makes", True)
        self.look("preview")
        self.open(one + "/mappings/user/impact")
        self.press("Count")
        self.wait("unchanged")
        self.look("impact")
        self.open(one + "/mappings/user")
        self.press("Activate draft")
        self.confirm()
        self.wait("version 2 active")
        self.open(one + "/mappings/group")
        self.wait("Group mapping")
        self.look("group-mapping")

    def picture(self):
        """Every rule is a line that leads from an attribute to a field, and opens by mouse and key."""
        lines = self.browser.find_elements(By.CSS_SELECTOR, ".lines a")
        check("the picture has a line for every rule", len(lines) == self.script(
            "document.querySelectorAll('[id^=rule-]').length"), len(lines))
        # Where they end is where their rows are, however wide the window is.
        for width in WIDTHS if self.scripted else ():
            self.size(width)
            apart = self.script("""[...document.querySelectorAll(".lines a")].some((line) => {
                const drawn = line.querySelector("path:not(.hit)").getBBox();
                const all = line.ownerSVGElement.getBoundingClientRect();
                const last = document.querySelector(".threads ul:last-child");
                const rows = [...last.children].map((row) => row.getBoundingClientRect());
                const scale = all.height / line.ownerSVGElement.viewBox.baseVal.height;
                const ends = line.querySelector("path:not(.hit)").getPointAtLength(1e6).y * scale + all.top;
                return drawn.width < 99
                    || !rows.some((row) => Math.abs((row.top + row.bottom) / 2 - ends) < 3);
            })""")
            check(f"lines meet their fields at {width}", not apart)
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        line = self.find(".lines a[href$='/rules/email']")
        if self.scripted:
            self.browser.execute_script("arguments[0].focus()", line)
            shown = self.script("getComputedStyle(document.activeElement.querySelector('path:not(.hit)')).strokeWidth")
            check("a line that has the focus is seen", shown == "4px", shown)
            webdriver.ActionChains(self.browser).send_keys(Keys.ENTER).perform()
            self.find("dialog[open] #transforms")
            self.until(lambda: self.find("#tried").text)
            check("a line opens its rule by key", "email" in self.find("#drawer-title").text)
        else:
            # Of a link in a drawing the property is no text.
            self.open(line.get_dom_attribute("href"))
            self.wait("Keep in the draft")
            check("a line leads to its rule", "email" in self.find("#drawer-title").text)

    def offers(self):
        """What can stand in a rule is offered while it is written; without a script, in lists."""
        if not self.scripted:
            self.fill("#source", "nickName")
            self.fill("#transforms", "nonsense")
            lists = self.browser.find_elements(By.CSS_SELECTOR, "input[list]")
            check("what is known is offered without a script", len(lists) == 3)
            return
        source = self.find("dialog[open] #source")
        source.send_keys("user")
        self.find("#offers-source:not([hidden]) [role=option]")
        self.look("rule-offers")
        source.clear()
        source.send_keys("userN")
        self.find("#offers-source:not([hidden]) [role=option]")
        source.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
        check("an attribute is completed by key", source.get_attribute("value") == "userName",
              source.get_attribute("value"))
        check("what was offered is gone", self.script("document.querySelector('#offers-source').hidden"))
        self.fill("#source", "nickName")
        transforms = self.find("#transforms")
        transforms.send_keys("trim", Keys.ENTER, "tit")
        option = self.find("#offers-transforms:not([hidden]) [role=option]")
        option.click()
        check("a transform is completed by mouse",
              transforms.get_attribute("value") == "trim\ntitleCase")
        transforms.send_keys(Keys.ENTER, "pre")
        self.find("#offers-transforms:not([hidden])")
        transforms.send_keys(Keys.ESCAPE)
        check("Escape closes no more than what was offered",
              len(self.browser.find_elements(By.CSS_SELECTOR, "dialog[open]")) == 1)
        transforms.send_keys(Keys.BACKSPACE * 3, "nonsense")

    def tried(self):
        """The result for somebody stands there as the rule is written."""
        if not self.scripted:
            return
        self.until(lambda: "There is no transform" in self.find("#tried").text)
        lines = self.find("#transforms").get_attribute("value")
        self.fill("#source", "userName")
        self.fill("#transforms", "prefix: \"CC-\"")
        self.until(lambda: "→ CC-" in self.find("#tried").text)
        self.fill("#person", "nobody of this name")
        self.wait("No user of this configuration fits")
        check("the result follows what is written", True)
        self.fill("#person", "")
        self.fill("#source", "nickName")
        self.fill("#transforms", lines)

    def tables(self, one):
        """A table is added, edited, and found by the mapping of an identity provider."""
        self.open("/admin/users/tables")
        self.wait("There is no table yet")
        self.look("tables-empty")
        self.press("Add table")
        self.fill("#name", "cost-centres")
        self.fill("#csv", "code,department")
        self.look("table-form")
        self.press("Add table", "form")
        self.confirm()
        self.wait("No rule looks values up in it")
        self.press("Edit or import")
        self.fill("#csv", f"code;department\n4711;{self.names[2][:60]}\n4712;Support")
        self.press("Save")
        self.confirm()
        self.wait("Saved.")
        self.wait("2 rows")
        self.look("table")
        self.open("/admin/users/tables")
        self.look("tables")
        self.open(one + "/mappings/user")
        self.find("details:has(#format) summary").click()
        self.choose("#format", "The schema of a provisioning job of Microsoft Entra ID")
        schema = {"attributeMappings": [
            {"targetAttributeName": "title", "source": {"expression": "Trim([jobTitle])"}},
            {"targetAttributeName": "displayName", "source": {"expression": "Guid()"}}]}
        self.fill("#document", json.dumps(schema))
        self.press("Import as the draft")
        self.wait("What has no equal here")
        self.look("imported")
        self.sure("Discard draft")
        self.wait("as the active version again")

    def runs(self, one):
        """What was done together, why somebody is as they are, and a rehearsal."""
        self.open(one + "/runs")
        self.wait("Runs")
        self.look("runs")
        # What was replayed is a run too, and the newest one; it changed nothing.
        rows = self.browser.find_elements(By.CSS_SELECTOR, "tbody tr")
        cycle = next(row for row in rows if "Cycle" in row.text)
        cycle.find_element(By.CSS_SELECTOR, "th a").click()
        self.wait("becomes of them")
        self.look("run")
        self.open("/admin/why?q=person3")
        self.wait("person3")
        self.look("why")
        self.open("/admin/why?q=nobody-of-this-name")
        self.look("why-nobody")
        self.open(one + "/rehearsal")
        self.look("rehearsal")

    def groups_and_policy(self, one):
        self.open(one + "/groups")
        self.wait("Groups received")
        self.look("group-rules")
        self.press("Add group rule")
        self.fill("#text", "Group 1")
        self.fill("#roles", "Service Desk Technician")
        self.look("group-rule")
        self.press("Keep in the draft", "#drawer")
        self.wait("You see the draft")
        self.press("Activate draft")
        self.confirm()
        self.wait("version 2 active")
        self.open(one + "/policy")
        self.look("policy")
        self.fill("#guard_percent", "10")
        self.press("Save")
        self.confirm()
        self.wait("Saved.")
        self.open(one + "/held")
        self.wait("Nothing is held")
        self.look("waiting")
        self.open(one + "/drift")
        self.press("Count")
        self.wait("users differ")
        self.look("drift")

    def guides(self, one):
        for guide in ("entra", "okta", "onelogin", "keycloak", "google", "jumpcloud", "generic"):
            self.open(f"{one}/setup/{guide}")
            self.wait("The identity provider has asked")
            self.look(f"guide-{guide}")

    def rotate(self, one, token):
        self.open(one + "/tokens")
        self.wait("Generate new token")
        self.look("tokens")
        self.press("Generate new token")
        self.confirm()
        self.wait("The new token")
        new = self.find("#token").get_attribute("value")
        check("a second token differs", new != token)
        self.open(one + "/tokens")
        self.wait("Rotation")
        self.look("rotation")

        self.open("/admin/users/scim-provisioning")
        self.find(f'a[href$="{one}/edit"]').click()
        self.wait("last used")
        self.look("edit")
        self.press("Show", "#drawer")
        self.wait("The token")
        check("a token is found again by editing", self.find("#token").get_attribute("value") == new)

    def sure(self, word):
        """Presses what asks first, and says yes."""
        def pressed():
            for one in self.browser.find_elements(By.CSS_SELECTOR, "details.sure > summary"):
                if one.text == word or one.get_attribute("title") == word:
                    one.click()
                    return True
            return False
        self.until(pressed)
        self.press(word, "dialog[open]" if self.scripted else "details.sure[open]")

    def held(self, one, endpoint, token):
        """Too many leave; what is held is chosen and decided."""
        self.open(one + "/policy")
        self.fill("#guard_count", "1")
        self.fill("#guard_percent", "1")
        self.press("Save")
        self.confirm()
        self.wait("Saved.")
        people = self.ask("GET", endpoint + "/Users?count=4", token)["Resources"]
        leaving = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                   "Operations": [{"op": "replace", "path": "active", "value": False}]}
        for person in people:
            self.ask("PATCH", f"{endpoint}/Users/{person['id']}", token, leaving)
        self.open("/admin/users/scim-provisioning")
        self.wait("the guard holds")
        self.look("list-held")
        self.open(one + "/held")
        self.wait("held changes")
        self.look("held")
        boxes = self.browser.find_elements(By.CSS_SELECTOR, "input[name=user]")
        check("a box to choose by is no giant", boxes[0].size["height"] < 24, boxes[0].size)
        if self.scripted:
            self.find("[data-all]").click()
            check("all are chosen at once", all(box.is_selected() for box in boxes))
        self.sure("Reject all")
        self.wait("Nothing is held")
        self.open("/admin/users/user-form")
        self.sure("Delete")
        self.wait("is written by rule")
        self.look("told")
        self.press("Back")
        self.wait("Custom fields: 1")

    def links(self, one, endpoint, token):
        """Two meet a person who was created by hand; one is dismissed and the other one linked."""
        subprocess.run([self.server.args[0], "user", "add", "--user-name", "mia.weber", "--email",
                        "mia.weber@corp.example", "--data-dir", self.folder.name], check=True,
                       capture_output=True)
        for name in ("mia.weber", "as4711"):
            user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
                    "title": self.names[0], "emails": [{"value": "mia.weber@corp.example"}]}
            self.ask("POST", endpoint + "/Users", token, user)
        self.open(one + "/held")
        self.wait("the strongest match first")
        self.look("links")
        cards = self.browser.find_elements(By.CSS_SELECTOR, ".candidate h4")
        check("whoever has the same userName comes first",
              [card.text for card in cards] == ["mia.weber", "as4711"])
        self.find("[aria-label='Dismiss as4711 for mia.weber']").click()
        self.wait("Dismissed.")
        self.press("Link", ".candidate")
        self.confirm()
        self.wait("Linked.")
        self.wait("Nobody waits to be linked")

    def script(self, text):
        return self.browser.execute_script("return " + text)

    def type(self, *keys):
        """Presses keys with the focus on nothing."""
        self.browser.execute_script("document.activeElement.blur()")
        webdriver.ActionChains(self.browser).send_keys(*keys).perform()

    def keys(self, one):
        self.open(one + "/tokens")
        before = len(self.browser.find_elements(By.CSS_SELECTOR, "tbody tr"))
        self.sure("Revoke")
        self.confirm()
        self.wait("Generate new token")
        self.open(one + "/tokens")
        self.type("n")
        check("a key moves the focus to a button and presses nothing",
              self.script("document.activeElement.textContent") == "Generate new token"
              and len(self.browser.find_elements(By.CSS_SELECTOR, "tbody tr")) == before)
        for path, field in (("security/audit", "actor"), ("users", "q"), ("groups", "q"),
                            ("users/scim-provisioning", "q"),
                            ("users/scim-provisioning/logs", "q")):
            self.open("/admin/" + path)
            self.type("/")
            check(f"a key leads to the search of {path}",
                  self.script("document.activeElement.id") == field)
        self.type("g", "s")
        self.until(lambda: self.path() == "/admin/settings")
        self.type("?")
        self.find("dialog[open] #keys").click()
        self.press("Close", "dialog")
        self.type("g", "u")
        check("the keys are switched off", self.path() == "/admin/settings")
        self.open("/admin/help")
        check("the choice is kept", not self.find("#keys").is_selected())
        self.find("#keys").click()

    def drawers(self, one):
        self.open(one + "/mappings/user")
        link = self.find("tbody a[data-drawer][href*='/rules/']")
        self.browser.execute_script("for (let n = 0; n < 3; n += 1) arguments[0].click()", link)
        self.find("dialog[open] #source")
        check("three clicks open one drawer",
              len(self.browser.find_elements(By.TAG_NAME, "dialog")) == 1)
        self.browser.back()
        self.until(lambda: not self.browser.find_elements(By.TAG_NAME, "dialog"))
        check("the way back closes a drawer", self.path() == one + "/mappings/user")
        link.click()
        self.find("dialog[open] #source")
        self.choose("#on_absent", "Keep")
        self.type(Keys.ESCAPE)
        self.wait("Leave without saving?")
        self.look("leave")
        self.press("Cancel", "dialog.middle")
        check("a choice that was changed is not lost", self.find("dialog.right[open]"))
        self.type(Keys.ESCAPE)
        self.press("Leave", "dialog.middle")
        self.until(lambda: not self.browser.find_elements(By.TAG_NAME, "dialog"))
        self.find("button[value=down]:not(:disabled)").click()
        self.until(lambda: "#rule-" in self.browser.current_url)
        check("whoever moved a rule goes on with it",
              self.until(lambda: self.script("document.activeElement.value") == "down"))
        check("what was done is said once", "done=" not in self.browser.current_url)
        self.sure("Discard draft")
        self.wait("as the active version again")
        self.open("/admin/users/scim-provisioning")
        self.find("a[data-drawer][href$='/edit']").click()
        copy = self.find("dialog[open] [data-copy]")
        for _ in range(2):
            copy.click()
            self.until(lambda: self.find("dialog .said").get_attribute("textContent") == "Copied")
            check("what is copied is heard in the drawer", copy.text == "Copied", copy.text)
            self.until(lambda: copy.text == "Copy")

    def listen(self):
        """Keeps what fetches say of themselves."""
        self.browser.execute_script("""
            const sent = window.fetch;
            window.sent = [];
            window.fetch = (address, options) => {
              window.sent.push(options?.headers?.["X-Fragment"]);
              return sent(address, options);
            };""")

    def filters(self):
        self.open("/admin/users/scim-provisioning/logs")
        self.press("Pause live updates")
        self.listen()
        self.fill("#q", "person3")
        self.until(lambda: "q=person3" in self.browser.current_url)
        self.until(lambda: self.find("form[action$='/export'] [name=q]").get_attribute("value")
                   == "person3")
        check("a file has the filter that is shown", True)
        check("the theme leads back to the filter",
              "q=person3" in self.find(".bar [name=next]").get_attribute("value"))
        check("what a script asks for says so", set(self.script("sent")) == {"1"})
        self.press("Resume live updates")

    def signed_out(self, one):
        self.open(one + "/setup")
        self.listen()
        self.until(lambda: self.script("sent"))
        check("what it asks for by itself is no use of the session",
              set(self.script("sent")) == {"poll"})
        self.browser.delete_all_cookies()
        self.wait("You are signed out.")
        link = self.find("#signed-out a").get_attribute("href")
        check("whoever is signed out is led back", urllib.parse.quote(one, safe="") in link, link)
        self.look("signed-out")
        self.find("#signed-out a").click()
        self.fill("#name", "ada")
        self.fill("#password", PASSWORD)
        self.press("Sign in", "form")
        self.until(lambda: self.path() == one + "/setup")

    def menu(self):
        """Opens the menu of whoever is signed in."""
        if not self.find("details.menu").get_attribute("open"):
            self.find("details.menu summary").click()

    def switch(self):
        self.open("/admin/users/scim-provisioning")
        self.press("Enabled")
        self.wait("Its tokens are refused")
        self.look("disabled")
        self.press("Disabled")
        self.confirm()
        self.wait("Its tokens are accepted")

    def sign_in(self):
        self.fill("#name", "ada")
        self.fill("#password", PASSWORD)
        self.press("Sign in", "form")

    def value(self, css):
        return self.find(css).get_attribute("value")

    def nothing_is_lost(self, one):
        """What was entered outlives its session, and nobody's change is overwritten unseen."""
        self.open(one + "/policy")
        self.fill("#guard_minutes", "45")
        self.browser.delete_all_cookies()
        self.press("Save")
        self.wait("What you entered is kept")
        self.look("signed-out-with-a-form")
        self.sign_in()
        self.wait("What you entered is here again")
        check("a form comes back filled in", self.value("#guard_minutes") == "45")
        self.look("came-back")
        self.press("Save")
        self.wait("Saved.")

        self.open(one + "/policy")
        first = self.browser.current_window_handle
        self.fill("#guard_percent", "15")
        self.browser.switch_to.new_window("tab")
        self.open(one + "/policy")
        self.fill("#guard_count", "700")
        self.press("Save")
        self.wait("Saved.")
        self.browser.close()
        self.browser.switch_to.window(first)
        self.press("Save")
        self.wait("while you had it open")
        self.look("conflict")
        self.press("Save mine")
        self.wait("Saved.")
        both = self.value("#guard_count"), self.value("#guard_percent")
        check("both changes are kept", both == ("700", "15"), both)

        listed = "/admin/users/scim-provisioning?q=&status=enabled&rows=10"
        self.open(listed)
        self.press("Enabled")
        self.wait("Its tokens are refused")
        check("the list keeps its filter", "status=enabled&rows=10" in self.browser.current_url,
              self.browser.current_url)
        self.look("undo")
        self.press("Undo")
        self.wait("Its tokens are accepted")
        check("and when that is taken back", "status=enabled&rows=10" in self.browser.current_url,
              self.browser.current_url)

        if self.scripted:
            self.open("/admin/users/scim-provisioning")
            self.find("a[data-drawer][href$='/edit']").click()
            self.fill("dialog[open] #description", "for everybody")
            self.browser.delete_all_cookies()
            self.press("Save", "dialog[open]")
            self.wait("What you entered is kept.")
            self.look("signed-out-in-a-drawer")
            self.press("Sign in", "dialog[open]")
            self.sign_in()
            self.wait("What you entered is here again")
            check("so does the form of a drawer", self.value("#description") == "for everybody")
            self.press("Save")
            self.wait("Saved.")

    def settings(self):
        self.open("/admin/settings")
        self.wait("API keys")
        self.look("settings")
        self.press("Key ring", "main")
        self.wait("This page has no secrets")
        self.look("key-ring")
        self.streams()
        self.open("/admin/settings")
        self.menu()
        self.choose("#theme", "Dark")
        if not self.scripted:
            self.press("Set theme")
        self.until(lambda: self.browser.find_element(By.TAG_NAME, "html")
                   .get_attribute("data-theme") == "dark")
        check("a theme is kept", True)
        self.menu()
        self.choose("#theme", "System theme")
        if not self.scripted:
            self.press("Set theme")
        self.until(lambda: not self.browser.find_element(By.TAG_NAME, "html")
                   .get_attribute("data-theme"))

    def streams(self):
        self.open("/admin/settings/streams")
        self.wait("Nobody follows what changes yet.")
        self.find("main details summary").click()
        self.fill("#name", self.names[0])
        self.choose("#kind", "is sent to the receiver")
        self.fill("#url", "http://receiver.example/feed")
        self.look("streams-add")
        self.press("Add stream")
        self.confirm()
        self.wait("nothing is sent otherwise")
        self.look("streams-refused")
        self.fill("#url", "https://receiver.example/feed")
        self.press("Add stream")
        self.wait("it is not shown again")
        check("the secret of a stream is shown", self.value("#issued").startswith("whsec_"))
        self.look("stream-secret")
        self.press("Send a test")
        self.wait("Something without changes is sent")
        self.press("Pause")
        self.wait("What changes meanwhile waits")
        self.look("stream")
        self.open("/admin/settings/streams")
        self.wait("1 stream")
        self.look("streams")
        self.press(self.names[0])
        self.sure("Delete")
        self.confirm()
        self.wait("Nobody follows what changes yet.")

    def delete(self, one):
        self.open("/admin/users/scim-provisioning")
        self.find(f'a[href$="{one}/delete"]').click()
        self.confirm()
        self.wait("To go on, enter the name")
        self.look("delete")
        self.fill("#name", self.names[0])
        self.press("Delete", "section")
        self.wait("No identity provider is connected yet")

    def add_people(self, endpoint, token):
        """People; without screenshots their names are made to break pages."""
        for number, name in enumerate(self.names):
            body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                    "userName": f"person{number}", "displayName": name, "active": True,
                    "name": {"givenName": name[:60], "familyName": name[:60]},
                    "nickName": name * (10_000 // len(name)) if self.names is HOSTILE else name,
                    "emails": [{"type": "work", "value": f"person{number}@example.com"}]}
            self.create(endpoint + "/Users", token, body)
            if self.names is HOSTILE:
                group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                         "displayName": name}
                self.create(endpoint + "/Groups", token, group)
        again = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "person0"}
        self.create(endpoint + "/Users", token, again, 409)

    def create(self, address, token, body, status=201):
        answered, _ = self.answered("POST", address, token, body)
        check(f"a user or group of {len(json.dumps(body))} bytes is answered with {status}",
              answered == status)

    def ask(self, method, address, token, body=None):
        """A request of the identity provider that is answered with a resource or with nothing."""
        return self.answered(method, address, token, body)[1]

    def answered(self, method, address, token, body=None):
        request = urllib.request.Request(
            address, body and json.dumps(body).encode(), method=method,
            headers={"Authorization": f"Bearer {token}",
                     "Content-Type": "application/scim+json"})
        trusting = ssl._create_unverified_context()
        try:
            with urllib.request.urlopen(request, context=trusting) as answer:
                return answer.status, json.loads(answer.read() or "{}")
        except urllib.error.HTTPError as refusal:
            return refusal.code, {}


def main():
    server, idp, *shots = sys.argv[1:]
    for folder in shots:
        Path(folder).mkdir(parents=True, exist_ok=True)
    for scripted, path, whole in ((True, "", True), (False, "/ops/scim", True), (True, "/ops/scim", False)):
        print(f"-- {'with' if scripted else 'without'} a script, below {path or '/'}")
        story = Story(server, idp, scripted, shots[0] if shots and not path else None, path)
        try:
            story.run() if whole else story.walk()
        except Exception as error:  # The story ends here; what led to it is said.
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                     if frame.filename == __file__]
            check("the story goes on to its end", False,
                  f"{re.split('Stacktrace', str(error))[0]} at {story.browser.current_url}, lines {lines}")
        finally:
            story.end()
    finish()


if __name__ == "__main__":
    main()
