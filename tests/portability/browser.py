#!/usr/bin/env python3
"""Opens a page in headless Chromium on its software adapter and waits for what the page reports.

    browser.py [--seconds N] FOLDER [FOLDER...]

The folders' files, the first folder's first, are served at a free port of 127.0.0.1; the page is index.html.
It posts one JSON object to /report: {"passed": bool, "report": "lines of text", ...}. The text is printed.
Exit status 0 only where the page passed. $CHROMIUM names another browser.
"""

import argparse
import functools
import http.server
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

FLAGS = """--headless --no-sandbox --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader --disable-quic
--no-first-run --disable-background-networking --disable-component-update --disable-sync""".split()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of several folders, and the one report."""

    def __init__(self, *arguments, folders, reports, **named):
        self.folders = folders
        self.reports = reports
        super().__init__(*arguments, **named)

    def translate_path(self, path):
        found = []
        for folder in self.folders:
            self.directory = folder
            found.append(super().translate_path(path))
        return next(filter(os.path.exists, found), found[0])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.reports.put(json.loads(body))

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *arguments):
        pass


def report_of(page, chromium, seconds, reports):
    """What the page posts, or None. The browser and all its processes are gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        log_file = pathlib.Path(profile, "browser.log")
        with open(log_file, "wb") as log:
            command = [chromium, *FLAGS, "--enable-logging=stderr", f"--user-data-dir={profile}", page]
            browser = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            return reports.get(timeout=seconds)
        except queue.Empty:
            lines = log_file.read_text(errors="replace").splitlines()
            print(f"no report within {seconds} seconds; the browser's last words:", *lines[-20:], sep="\n")
            return None
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM", "chromium")
    if shutil.which(chromium) is None:
        sys.exit(f"there is no {chromium}: Debian's package chromium has it, or $CHROMIUM names another")

    reports = queue.Queue()
    handler = functools.partial(Handler, folders=options.folders, reports=reports)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    version = subprocess.run([chromium, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    print(version.stdout.strip(), flush=True)
    report = report_of(f"http://localhost:{server.server_port}/", chromium, options.seconds, reports)
    if report is None:
        sys.exit(1)
    print(report["report"])
    sys.exit(0 if report["passed"] is True else 1)


if __name__ == "__main__":
    main()
