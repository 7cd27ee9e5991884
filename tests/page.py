"""The page that evaluates filters and mappings by WebAssembly, in a real browser.

usage: page.py PAGE_HTML PAGE_WASM
"""

import functools
import http.server
import json
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main(html, wasm):
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(html, Path(folder) / "page.html")
        shutil.copy(wasm, Path(folder) / "page.wasm")
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = webdriver.ChromeOptions()
        for option in ("--headless=new", "--no-sandbox", "--disable-gpu"):
            options.add_argument(option)
        browser = webdriver.Chrome(
            options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        try:
            browser.get(f"http://127.0.0.1:{server.server_port}/page.html")

            def answer():
                found = json.loads(browser.find_element(By.ID, "answer").text or "{}")
                # What a module that stopped said, which the page shows in the place of an answer.
                if "stopped" in found:
                    raise RuntimeError(found["stopped"])
                return found

            def enter(field, text):
                element = browser.find_element(By.ID, field)
                element.clear()
                element.send_keys(text)

            WebDriverWait(browser, 20).until(lambda _: answer())
            for name, text, held in [
                ("filter", None, lambda a: a["matches"] and a["record"]["display_name"] == "A. Stone"),
                ("filter", "active eq false", lambda a: not a["matches"]),
                ("filter", "userName", lambda a: "error" in a),
                ("filter", 'userName co "é"', lambda a: not a["matches"]),
                ("rules", "title -> nothing", lambda a: "nothing" in a["error"]),
                ("filter", "userName pr", lambda a: "nothing" in a["error"]),
                ("rules", "name.familyName > upper -> job_title",
                 lambda a: a["matches"] and a["record"]["job_title"] == "STONE"),
                # Many answers in one memory, the largest of them of some length.
                ("user", json.dumps({"userName": "ava", "title": "x" * 1000}),
                 lambda a: a["matches"] and a["record"]["user_name"] == "ava"),
            ]:
                if text is not None:
                    enter(name, text)
                found = answer()
                if not held(found):
                    failed += 1
                    print(f"FAILED: {name} {text}: {found}")
        finally:
            browser.quit()
            server.shutdown()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
