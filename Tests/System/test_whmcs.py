"""The way over from WHMCS: a made-up WHMCS is exported, imported and left, and a panel goes on asking.

Examples/whmcs/export.php runs against a database with the tables that it reads; the commands of docs/whmcs.md run as
they stand there; panel.php is a panel as it was made for WHMCS, which knows nothing of Signet but its address.
"""

import json
import pathlib
import re
import sqlite3
import stat
import subprocess
import urllib.parse

from pages import commands
from signet import NEGATIVE, OK, REPOSITORY, USAGE, ServedCase, environment

EXPORT = REPOSITORY / "Examples/whmcs/export.php"
PANEL = pathlib.Path(__file__).with_name("panel.php")
VERIFY = "/modules/servers/licensing/verify.php"
HOME = "/var/www/html/panel"
SECRET = "s3cret & more"

# The columns that the export reads, and some that it must not mind.
SCHEMA = """
CREATE TABLE tblconfiguration (setting TEXT, value TEXT);
CREATE TABLE tblclients (id INTEGER PRIMARY KEY, firstname TEXT, email TEXT);
CREATE TABLE tblproducts (id INTEGER PRIMARY KEY, name TEXT, servertype TEXT, configoption4 TEXT, configoption5 TEXT,
    configoption8 TEXT);
CREATE TABLE tbladdons (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE tblhosting (id INTEGER PRIMARY KEY, userid INTEGER, packageid INTEGER, regdate TEXT, nextduedate TEXT,
    billingcycle TEXT, domainstatus TEXT, suspendreason TEXT, overideautosuspend TEXT, overidesuspenduntil TEXT,
    password TEXT);
CREATE TABLE tblhostingaddons (id INTEGER PRIMARY KEY, hostingid INTEGER, addonid INTEGER, name TEXT, status TEXT,
    regdate TEXT, nextduedate TEXT, billingcycle TEXT);
CREATE TABLE tblproductconfigoptions (id INTEGER PRIMARY KEY, optionname TEXT, optiontype TEXT);
CREATE TABLE tblproductconfigoptionssub (id INTEGER PRIMARY KEY, configid INTEGER, optionname TEXT);
CREATE TABLE tblhostingconfigoptions (id INTEGER PRIMARY KEY, relid INTEGER, configid INTEGER, optionid INTEGER,
    qty INTEGER);
CREATE TABLE mod_licensing (id INTEGER PRIMARY KEY, serviceid INTEGER, addon_id INTEGER, licensekey TEXT,
    validdomain TEXT, validip TEXT, validdirectory TEXT, reissues INTEGER, status TEXT, lastaccess TEXT);
"""


class WHMCS:
    """A made-up WHMCS: its database, and an export of it."""

    def __init__(self, folder):
        self.path, self.file = folder / "whmcs.db", folder / "whmcs.jsonl"
        self.database = sqlite3.connect(self.path, isolation_level=None)
        self.database.executescript(SCHEMA)
        self.execute("INSERT INTO tblconfiguration VALUES ('AutoSuspension', 'on'), ('AutoSuspensionDays', '5')")
        self.execute("INSERT INTO tblclients VALUES (5, 'Erika', 'erika@example.com'), (6, 'Max', 'max@example.com')")
        self.execute(
            "INSERT INTO tblproducts VALUES (12, 'Panel &amp; Co', 'licensing', '', '', ?), "
            "(13, 'Hosting', 'cpanel', '', '', 'none')", SECRET)

    def execute(self, sql, *values):
        self.database.execute(sql, values)

    def license(self, number, key, domain="shop.example.com", ip="203.0.113.7", **changes):
        service = {
            "userid": 5, "packageid": 12, "regdate": "2024-03-01", "nextduedate": "2099-03-01",
            "billingcycle": "Annually", "domainstatus": "Active", "suspendreason": "", "overideautosuspend": "0",
            "overidesuspenduntil": "0000-00-00",
            **{name: value for name, value in changes.items() if name not in ("status", "addon_id")},
        }
        names = ", ".join(["id", "password", *service])
        marks = ", ".join("?" * (len(service) + 2))
        self.execute(f"INSERT INTO tblhosting ({names}) VALUES ({marks})", 1000 + number, "hunter2", *service.values())
        domains = f"{domain},www.{domain}" if domain else ""
        self.execute(
            "INSERT INTO mod_licensing VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, '2026-11-01 00:00:00')", number,
            1000 + number, changes.get("addon_id", 0), key, domains, ip, HOME, changes.get("status", "Active"))

    def export(self, *arguments, code=0):
        arguments = arguments or ["--dsn", f"sqlite:{self.path}", "--output", str(self.file)]
        run = subprocess.run(
            ["php", str(EXPORT), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
            env=environment())
        assert run.returncode == code, run
        return run

    def lines(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()]


class WHMCSTests(ServedCase):
    def setUp(self):
        self.whmcs = WHMCS(self.installation.folder)
        self.addCleanup(self.whmcs.database.close)
        self.addCleanup(self.whmcs.path.unlink)
        # Each test has its own keys: what one imports stays for the next.
        WHMCSTests.count = getattr(WHMCSTests, "count", 0) + 1
        self.base = WHMCSTests.count * 100

    def number(self, offset=1):
        return self.base + offset

    def key(self, offset=1):
        return f"Leased-{self.number(offset):016x}"

    def add(self, offset=1, **changes):
        self.whmcs.license(self.number(offset), self.key(offset), **changes)

    def imports(self, *options, code=OK):
        self.whmcs.export()
        return self.installation.json(
            "license", "import", str(self.whmcs.file), "--from", "whmcs", "--product-map", "12=whm-panel", *options,
            code=code)

    def panel(self, offset=1, domain="shop.example.com", ip="203.0.113.7", directory=HOME, secret=SECRET, *more):
        run = subprocess.run(
            ["php", str(PANEL), f"http://127.0.0.1:{self.server.port}", self.key(offset), domain, ip, directory, secret,
             *more],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return json.loads(run.stdout)

    # The export

    def test_the_export_takes_what_an_import_needs_and_nothing_about_a_person(self):
        self.add(1, suspendreason="Abuse &amp; spam", domainstatus="Suspended", status="Suspended")
        self.add(2, billingcycle="One Time", nextduedate="0000-00-00", overideautosuspend="on")
        self.add(3, addon_id=9, overideautosuspend="1", overidesuspenduntil="2099-12-31")
        service = 1000 + self.number(1)
        self.whmcs.execute("INSERT INTO tbladdons VALUES (3, 'Branding')")
        self.whmcs.execute(
            "INSERT INTO tblhostingaddons VALUES (8, ?, 3, '', 'Active', '2024-01-01', '2099-05-01', 'Monthly'), "
            "(9, ?, 3, 'Extra', 'Terminated', '2024-02-01', '2099-06-01', 'Monthly')",
            service, 1000 + self.number(3))
        self.whmcs.execute(
            "INSERT INTO tblproductconfigoptions VALUES (1, 'sites|Number of sites', '4'), (2, 'support|Help', '1')")
        self.whmcs.execute("INSERT INTO tblproductconfigoptionssub VALUES (7, 2, 'gold|Gold plan')")
        self.whmcs.execute(
            "INSERT INTO tblhostingconfigoptions VALUES (1, ?, 1, 0, 25), (2, ?, 2, 7, 0)", service, service)
        run = self.whmcs.export()
        self.assertIn("2 products, 1 customers, 3 licenses", run.stderr)
        self.assertIn("the secret key of addon-3", run.stderr)
        self.assertEqual(stat.S_IMODE(self.whmcs.file.stat().st_mode), 0o600)
        text = self.whmcs.file.read_text()
        for personal in ("Erika", "erika@", "hunter2"):
            self.assertNotIn(personal, text)
        header, product, customer, first, second, third, addon = self.whmcs.lines()
        self.assertEqual((header["format"], header["version"], header["suspend_after_days"]), ("signet-import", 1, 5))
        self.assertEqual(product, {
            "type": "product", "id": "12", "name": "Panel & Co", "secret": SECRET, "allows_any_domain": False,
            "allows_any_address": False,
        })
        self.assertEqual(customer, {"type": "customer", "id": "5"})
        self.assertEqual(first, {
            "type": "license", "id": str(self.number(1)), "service": str(service), "product": "12", "customer": "5",
            "key": self.key(1), "status": "Suspended", "service_status": "Suspended", "registered": "2024-03-01",
            "next_due": "2099-03-01", "billing_cycle": "Annually", "suspend_reason": "Abuse & spam",
            "never_suspend": None, "domains": ["shop.example.com", "www.shop.example.com"],
            "addresses": ["203.0.113.7"],
            "config_options": [{"name": "sites", "value": "25"}, {"name": "support", "value": "gold"}],
            "addons": [{"name": "Branding", "next_due": "2099-05-01", "status": "Active"}],
        })
        self.assertEqual((second["next_due"], second["never_suspend"]), (None, "always"))
        self.assertEqual(
            (third["product"], third["service_status"], third["next_due"], third["never_suspend"]),
            ("addon-3", "Terminated", "2099-06-01", "2099-12-31"))
        self.assertEqual((addon["type"], addon["id"], addon["name"]), ("product", "addon-3", "Extra"))

    def test_the_export_reads_an_older_whmcs_and_says_when_it_cannot(self):
        self.add(1)
        for table, column in (
            ("mod_licensing", "addon_id"), ("tblhosting", "suspendreason"), ("tblhosting", "overideautosuspend"),
            ("tblhosting", "overidesuspenduntil"),
        ):
            self.whmcs.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        self.whmcs.execute("UPDATE tblconfiguration SET value = '' WHERE setting = 'AutoSuspension'")
        self.whmcs.export()
        header, *_, license = self.whmcs.lines()
        self.assertEqual((header["suspend_after_days"], license["suspend_reason"]), (None, None))
        self.whmcs.execute("DROP TABLE mod_licensing")
        self.assertIn("mod_licensing", self.whmcs.export(
            "--dsn", f"sqlite:{self.whmcs.path}", "--output", str(self.whmcs.file), code=1).stderr)
        self.assertIn("usage:", self.whmcs.export("--output", "x", code=2).stderr)
        self.assertIn("cannot be read", self.whmcs.export("--whmcs", "/nowhere", code=2).stderr)

    # The import

    def test_a_dry_run_tells_what_the_import_will_tell_and_changes_nothing(self):
        self.add(1)
        self.add(2, domainstatus="Suspended")
        before = self.installation.json("license", "list")["meta"]["total"]
        tried = self.imports("--dry-run")
        self.assertEqual(tried["licenses"], {"created": 2, "updated": 0, "unchanged": 0, "conflicts": 0})
        self.assertEqual(self.installation.json("license", "list")["meta"]["total"], before)
        done = self.imports()
        self.assertEqual({**tried, "dry_run": False}, done)
        self.assertEqual(self.imports()["licenses"], {"created": 0, "updated": 0, "unchanged": 2, "conflicts": 0})
        self.assertEqual(self.imports("--dry-run")["licenses"]["unchanged"], 2)

    def test_a_file_with_anything_wrong_is_named_whole_and_not_sent(self):
        self.add(1)
        self.add(2, status="Odd")
        self.whmcs.export()
        with self.whmcs.file.open("a") as file:
            file.write("not JSON\n")
        total = self.installation.json("license", "list")["meta"]["total"]
        arguments = ["license", "import", str(self.whmcs.file), "--from", "whmcs"]
        refused = self.installation.run(*arguments, code=USAGE).stderr
        for part in ("line 2: product 12 (Panel & Co)", "line 5: status must be one of", "line 6: is not JSON"):
            self.assertIn(part, refused)
        self.installation.run(*arguments, "--product-map", "12", code=USAGE)
        self.installation.run("license", "import", str(self.whmcs.file), "--from", "other", code=USAGE)
        self.installation.run("license", "import", "/nowhere", "--from", "whmcs", code=USAGE)
        self.assertEqual(self.installation.json("license", "list")["meta"]["total"], total)

    def test_more_licenses_than_one_request_takes_come_over_and_conflicts_are_told_by_line(self):
        for offset in range(1, 251):
            self.whmcs.license(10_000 + offset, f"Leased-many-{offset:06}", domain=f"site{offset}.example.com")
        report = self.imports()
        self.assertEqual(report["licenses"]["created"], 250)
        self.assertEqual(report["remarks"], [])
        self.whmcs.license(10_251, "Leased-many-000001x")
        self.whmcs.execute("UPDATE mod_licensing SET licensekey = 'Leased-moved' WHERE id = 10001")
        self.whmcs.execute("UPDATE mod_licensing SET licensekey = 'Leased-many-000001' WHERE id = 10251")
        self.whmcs.export()
        result = self.installation.run(
            "license", "import", str(self.whmcs.file), "--from", "whmcs", "--product-map", "12=whm-panel",
            code=NEGATIVE)
        # The header, one product and one customer come before the licenses.
        self.assertRegex(result.stdout, r"line 254, license 10251: key_taken: ")
        self.assertRegex(result.stdout, r"line 4, license 10001: key_added: ")
        self.assertRegex(result.stdout, r"license +0 +1 +249 +1\n")

    # The panel

    def test_a_panel_goes_on_after_its_address_changed(self):
        self.add(1)
        self.imports()
        for way in ((), ("multipart",)):
            thought = self.panel(1, "shop.example.com", "203.0.113.7", HOME, SECRET, *way)
            self.assertEqual(thought["status"], "Active", thought)
            self.assertEqual(thought["tags"]["productname"], "Panel & Co")
            self.assertEqual(thought["tags"]["nextduedate"], "2099-03-01")
        for directory in (r"C:\Inetpub\my shop", "/var/www/Größe & more/%2e", "/srv/a+b=c;d"):
            self.assertEqual(self.panel(directory=directory)["status"], "Active", directory)
        self.assertEqual(self.panel(domain="WWW.Shop.Example.com")["status"], "Active")
        self.assertEqual(self.panel(secret="wrong")["status"], "Forged")
        self.assertEqual(self.panel(domain="thief.example.com")["status"], "Invalid")
        # The seat is the one that the token endpoint knows.
        key = self.key()
        verdict = self.server.validate(key, "shop.example.com", ip_address="203.0.113.7")
        self.assertEqual((verdict["code"], verdict["current_activations"]), ("VALID", 1))
        self.assertIsNotNone(verdict["token"])

    def test_a_panel_hears_of_every_standing_and_of_no_person(self):
        words = {
            "Suspended": {"domainstatus": "Suspended"}, "Expired": {"domainstatus": "Terminated", "status": "Expired"},
            "Active": {},
        }
        for offset, changes in enumerate(words.values(), 1):
            self.add(offset, **changes)
        self.imports()
        for offset, word in enumerate(words, 1):
            thought = self.panel(offset)
            self.assertEqual(thought["status"], word)
            self.assertFalse({"registeredname", "companyname", "email", "unreadable"} & set(thought["tags"]))
        self.assertEqual(self.panel(9)["status"], "Invalid")

    def test_a_panel_keeps_its_local_key_when_nothing_can_be_said(self):
        self.add(1)
        self.imports()
        for domain, ip in (("_", "203.0.113.7"), ("", "203.0.113.7"), ("shop.example.com", "unknown")):
            self.assertEqual(
                self.panel(domain=domain, ip=ip), {"status": "keeps its local key", "http": 400, "bytes": 0})
        self.assertEqual(self.server.request("GET", VERIFY).status, 405)
        # A slash too many, as some panels send it.
        form = urllib.parse.urlencode({"licensekey": self.key(), "domain": "shop.example.com", "ip": "203.0.113.7"})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        unsaid = self.server.request("POST", VERIFY, "licensekey=x", kind)
        self.assertEqual((unsaid.status, unsaid.body), (400, b""), "an answer, not a wait for one")
        answer = self.server.request("POST", "/" + VERIFY, form, kind)
        self.assertTrue(answer.body.startswith(b"<status>Active</status>\n"), answer)

    def test_the_cut_over_with_a_second_run(self):
        self.add(1)
        self.add(2, domain="two.example.com")
        self.imports()
        # WHMCS goes on: one is paid, one is reissued and used elsewhere, one is sold, and the first is not paid.
        self.whmcs.execute(
            "UPDATE tblhosting SET domainstatus = 'Suspended', suspendreason = '' WHERE id = ?", 1000 + self.number(1))
        self.whmcs.execute(
            "UPDATE mod_licensing SET validdomain = 'new.example.com', validip = '198.51.100.7' WHERE id = ?",
            self.number(2))
        self.add(3, domain="three.example.com", userid=6)
        report = self.imports()
        self.assertEqual(report["licenses"], {"created": 1, "updated": 2, "unchanged": 0, "conflicts": 0})
        self.assertEqual(report["customers"]["created"], 1)
        self.assertEqual(self.panel(1)["status"], "Suspended")
        self.assertEqual(self.panel(2, "new.example.com", "198.51.100.7")["status"], "Active")
        self.assertEqual(self.panel(2, "two.example.com")["status"], "Invalid")
        self.assertEqual(self.panel(3, "three.example.com")["status"], "Active")
        self.whmcs.execute("UPDATE tblhosting SET domainstatus = 'Active' WHERE id = ?", 1000 + self.number(1))
        self.imports()
        self.assertEqual(self.panel(1)["status"], "Active")
        self.assertTrue(self.installation.json("db", "check")["sound"])

    # The page

    def test_the_commands_of_the_page_do_what_it_says(self):
        typed = commands("whmcs.md")
        self.assertEqual([command[:2] for command in typed], [
            ["product", "create"], ["license", "import"], ["license", "import"],
        ])
        self.add(1)
        self.whmcs.export()
        for command in typed[1:]:
            self.installation.run(*command)
        self.assertEqual(self.panel()["status"], "Active")
        created, fresh = typed[0], "page-panel"
        self.installation.run(*[fresh if word == "whm-panel" else word for word in created])

    def test_the_page_lists_every_note(self):
        source = (REPOSITORY / "Sources/Licensing/Import/ImportResult.swift").read_text()
        codes = set(re.findall(r'case \w+ = "([a-z_]+)"', source)) | {"refused", "overdue"}
        page = (REPOSITORY / "docs/whmcs.md").read_text()
        self.assertGreater(len(codes), 8)
        for code in codes:
            self.assertIn(f"`{code}`", page)
