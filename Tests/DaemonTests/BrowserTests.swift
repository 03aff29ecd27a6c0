import CarillonTestSupport
import Foundation
import Testing

/// The pages of a real daemon, in a real browser.
@Suite(.serialized, .timeLimit(.minutes(8))) struct BrowserTests {
    private let daemon: DaemonFixture
    private let port: Int

    init() throws {
        daemon = try DaemonFixture()
        port = try FreePort.find()
    }

    private var url: String { "http://127.0.0.1:\(port)" }

    private func start(_ more: String = "") async throws {
        try daemon.folder.write(
            "carillon.toml", "time_zone = \"America/New_York\"\n[api]\nlisten = \"127.0.0.1:\(port)\"\n\(more)")
        try daemon.folder.write(
            "jobs.d/all.toml",
            #"""
            [[job]]
            name = "fails"
            every = "2s"
            shell = "echo quota exceeded >&2; exit 2"
            tags = ["billing"]

            [[job]]
            name = "overlaps"
            every = "1s"
            shell = "sleep 3"

            [[job]]
            name = "a/b <i>&\"c"
            cron = "30 1 * * *"
            time_zone = "Europe/Berlin"
            exec = ["/bin/true"]
            env = { API_TOKEN = "sesame" }

            [[job]]
            name = "by hand"
            shell = "echo began; sleep 2; echo over"

            [[job]]
            name = "writes"
            shell = "yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 50000000; echo; echo the very end"
            """#)
        try await daemon.start()
    }

    private func link(_ options: String...) async throws -> String {
        let result = try await daemon.carillon(["open"] + options)
        #expect(result.code == 0, "\(result)")
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Asks as a browser would, or would not; answers the status, the headers and the body.
    private func curl(_ path: String, _ options: String = "") async throws -> (
        status: String, head: String, body: String
    ) {
        let line = "curl -sS -m 20 -i \(options) '\(url)\(path)'"
        let result = try await daemon.shell(line)
        #expect(result.error.isEmpty, "\(line): \(result.error)")
        let parts = result.output.split(separator: "\r\n\r\n", maxSplits: 1)
        let head = parts.first.map(String.init) ?? ""
        return (
            String(head.split(separator: " ").dropFirst().first ?? ""), head, parts.count > 1 ? String(parts[1]) : ""
        )
    }

    /// Logs in by a link, as curl; answers what the cookie is.
    private func session(_ options: String...) async throws -> String {
        let key = try #require(try await link(options.first ?? "--json").firstMatch(of: /key=([A-Za-z0-9_-]+)/)?.1)
        let entered = try await curl("/login", "-d key=\(key)")
        #expect(entered.status == "303", "\(entered)")
        return String(try #require(entered.head.firstMatch(of: /__Host-carillon=([^;]+)/)?.1))
    }

    // MARK: Every page

    @Test func everyPageIsFitForEverybody() async throws {
        try await start()
        try await daemon.eventually("something failed, and something was skipped") {
            let runs = try await daemon.objects("runs", "list", "--limit", "100")
            return Set(runs.compactMap { $0["state"] as? String }).isSuperset(of: ["failed", "skipped"])
        }
        #expect(try await daemon.carillon("jobs", "skip", #"a/b <i>&"c"#).code == 0)
        let failed = try #require(
            try await daemon.objects("runs", "list", "--state", "failed", "--limit", "1").first?["id"] as? String)
        let told = try await Browser().run(
            """
            link, failed = given
            base = link.split("/login")[0]
            browser.get(link)
            until("it lets in", lambda: browser.title == "Now · Carillon")
            assert "key=" not in browser.current_url, browser.current_url
            pages = ["/", "/jobs", "/jobs?q=tag:billing&state=failed", "/jobs/fails", "/jobs/overlaps", "/jobs/a%2Fb%20%3Ci%3E%26%22c",
                     "/jobs/overlaps/why", "/jobs/fails/why?at=12:00", "/runs", "/runs?state=skipped&job=overlaps", "/runs/" + failed,
                     "/forecast", "/forecast?window=7d&zone=Europe/Berlin", "/forecast?window=year", "/system", "/jobs/nobody",
                     "/editor", "/editor?job=fails", "/operations", "/jobs/fails/backfill?from=00:00&until=23:59&what=all"]
            told = {"axe": [], "wide": [], "titles": {}}
            complaints()
            requests()
            for name in ("light", "dark"):
                theme(name)
                for width, height in ((1440, 900), (390, 844)):
                    size(width, height)
                    for page in pages:
                        browser.get(base + page)
                        until("it is there: " + page, lambda: all("h1"))
                        told["titles"][page] = browser.title
                        if browser.execute_script("return document.documentElement.scrollWidth") > width:
                            told["wide"].append(page + " at " + str(width))
                        told["axe"] += [name + " " + str(width) + " " + page + ": " + one for one in axe()]
            # A job that is not there is no page, and the browser says so.
            told["complaints"] = [one for one in complaints() if "/jobs/nobody" not in one]
            told["hosts"] = sorted({urllib.parse.urlsplit(one["request"]["url"]).netloc for one in requests()})
            print(json.dumps(told))
            """, try await link(), failed)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(told.utf8)) as? [String: Any])
        #expect((object["axe"] as? [String])?.isEmpty == true, "\(told)")
        #expect((object["wide"] as? [String])?.isEmpty == true, "\(told)")
        #expect((object["complaints"] as? [String])?.isEmpty == true, "\(told)")
        #expect(object["hosts"] as? [String] == ["127.0.0.1:\(port)"], "\(told)")
        let titles = try #require(object["titles"] as? [String: String])
        #expect(
            titles["/jobs/fails"] == "fails · Carillon" && titles["/jobs/nobody"] == "Not found · Carillon", "\(told)")
        #expect(await daemon.stop() == 0)
    }

    // MARK: What people do

    @Test func aRunThatIsStartedByAClickAppearsAndItsLogGoesOn() async throws {
        try await start()
        _ = try await Browser().run(
            """
            base = given[0].split("/login")[0]
            browser.get(given[0])
            until("it lets in", lambda: browser.title == "Now · Carillon")
            until("it is live", lambda: "live" in one("#state").text)
            listed = browser.current_window_handle
            # A page that stands open beside it hears of the run.
            browser.get(base + "/jobs/by%20hand")
            until("it is live", lambda: "live" in one("#state").text)
            browser.switch_to.new_window("window")
            browser.get(base + "/jobs/by%20hand")
            one(".acts .first").click()
            until("it is there", lambda: "run" in browser.title)
            assert "was opened" in one(".said").text, text()
            until("it goes on", lambda: "began" in one("#log").text)
            until("it ends", lambda: "over" in one("#log").text and "completed" in one("#story").text)
            browser.switch_to.window(listed)
            until("it is in the list", lambda: "completed" in one("#history").text)
            # All of a long one.
            browser.get(base + "/jobs/writes")
            one(".acts .first").click()
            until("it is there", lambda: all("#log"))
            until("it ends", lambda: one("#log").get_attribute("textContent").endswith("the very end\\n"), 200)
            assert len(one("#log").get_attribute("textContent")) < 1200000
            # With keys alone.
            browser.get(base + "/")
            body = one("body")
            body.send_keys("g", "j")
            until("the jobs", lambda: browser.title == "Jobs · Carillon")
            one("body").send_keys("j", "j")
            assert browser.switch_to.active_element.get_attribute("data-key") == "by hand", text()
            browser.switch_to.active_element.send_keys(Keys.ENTER)
            until("the job", lambda: browser.title == "by hand · Carillon")
            one("body").send_keys("/")
            browser.switch_to.active_element.send_keys("over", Keys.ENTER)
            until("it is found", lambda: [row.get_attribute("data-key") for row in all("tr[data-key]")] == ["overlaps"])
            one("body").send_keys("?")
            assert one("#keys").is_displayed()
            """, try await link())
        #expect(try await daemon.objects("audit", "--action", "run").allSatisfy { $0["channel"] as? String == "page" })
        #expect(await daemon.stop() == 0)
    }

    /// What the editor shows is what the timetable has, and what is kept is what was shown.
    @Test func whatIsWrittenInTheEditorCounts() async throws {
        try await start("exec = true\n")
        let told = try await Browser().run(
            """
            base = given[0].split("/login")[0]
            browser.get(given[0])
            until("it lets in", lambda: browser.title == "Now · Carillon")
            browser.get(base + "/editor")
            def put(name, text):
                one("[name=" + name + "]").clear()
                one("[name=" + name + "]").send_keys(text)
            put("name", "paid")
            put("when", "61 19 * * *")
            until("it says what is wrong", lambda: "61" in one("#preview .banner").text)
            put("when", "30 2 * * *")
            put("zone", "Europe/Berlin")
            put("rest", 'exec = ["/bin/true"]')
            until("the words", lambda: "at 02:30 every day" in one("#preview").text)
            times = [one.get_attribute("datetime") for one in all("#preview .next time")]
            one("[name=save]").click()
            until("it is kept", lambda: browser.title == "paid · Carillon")
            assert "paid is added" in one(".said").text
            # Somebody else is faster.
            browser.get(base + "/editor?job=paid")
            former = browser.current_window_handle
            browser.switch_to.new_window("window")
            browser.get(base + "/editor?job=paid")
            put("when", "45 2 * * *")
            one("[name=save]").click()
            until("it is kept", lambda: "paid is changed" in one(".said").text)
            browser.switch_to.window(former)
            put("when", "15 2 * * *")
            one("[name=save]").click()
            until("it is refused", lambda: "changed meanwhile" in one(".banner").text)
            assert one("[name=when]").get_attribute("value") == "15 2 * * *"
            # A file's job is shown, to be copied.
            browser.get(base + "/editor?job=fails")
            assert "jobs.d/all.toml" in text() and not all("[name=save]"), text()
            print(json.dumps(times))
            """, try await link())
        let times = try #require(try JSONSerialization.jsonObject(with: Data(told.utf8)) as? [String])
        let next = try #require(
            try await daemon.objects("next", "30 2 * * *", "--zone", "Europe/Berlin", "--count", "10").first)
        #expect(next["next"] as? [String] == times, "\(next)")
        let job = try #require(try await daemon.objects("jobs", "show", "paid").first)
        #expect(job["schedule"] as? String == "45 2 * * *", "\(job)")
        #expect(await daemon.stop() == 0)
    }

    @Test func manyAreChangedAtOnceAndBack() async throws {
        try await start()
        for number in 0..<101 {
            try daemon.folder.write(
                "jobs.d/many-\(number).toml", "[[job]]\nname = \"many-\(number)\"\nshell = \"true\"\n")
        }
        try await daemon.eventually("they are all there") {
            try await daemon.objects("jobs", "list", "many-*", "--limit", "1000").count == 101
        }
        let own = "-b __Host-carillon=\(try await session()) -H 'Sec-Fetch-Site: same-origin' -H 'Accept: text/html'"
        let list = try await curl("/jobs?q=many-&count=1", own)
        #expect(list.body.contains("101 found") && list.body.contains("Type 101"), "\(list.body)")
        // Neither unless their number is typed, nor if there are others by now.
        let untyped = try await curl("/operations", "\(own) -d q=many- -d count=101 -d action=disable")
        #expect(untyped.status == "400" && untyped.body.contains("type the number of jobs, 101"), "\(untyped)")
        let other = try await curl("/operations", "\(own) -d q=many- -d count=102 -d typed=102 -d action=disable")
        #expect(other.status == "409", "\(other)")
        let begun = try await curl("/operations", "\(own) -d q=many- -d count=101 -d typed=101 -d action=disable")
        #expect(begun.status == "303", "\(begun)")
        let place = String(try #require(begun.head.firstMatch(of: /(?i)location: (\/operations\/[0-9a-f]+)/)?.1))
        func off() async throws -> Int {
            try await daemon.objects("jobs", "list", "many-*", "--state", "disabled", "--limit", "1000").count
        }
        try await daemon.eventually("all are off") { try await off() == 101 }
        try await daemon.eventually("it says so") {
            try await curl(place, own).body.contains("101 of 101 looked at; 101 changed")
        }
        let undone = try await curl(place + "/undo", "\(own) -X POST")
        #expect(undone.status == "303", "\(undone)")
        try await daemon.eventually("all are on") { try await off() == 0 }
        #expect(await daemon.stop() == 0)
    }

    /// What is shown is what runs.
    @Test func pastTimesRunAsTheyWereShown() async throws {
        try await start()
        try daemon.folder.write(
            "jobs.d/late.toml", "[[job]]\nname = \"late\"\ncron = \"0 * * * *\"\nshell = \"true\"\n")
        try await daemon.eventually("it is there") { try await daemon.carillon("jobs", "show", "late").code == 0 }
        let own = "-b __Host-carillon=\(try await session()) -H 'Sec-Fetch-Site: same-origin' -H 'Accept: text/html'"
        let asked = "/jobs/late/backfill?from=2026-11-01T00:00:00Z&until=2026-11-01T05:30:00Z&what=missing"
        let shown = try await curl(asked, own)
        let times = String(try #require(shown.body.firstMatch(of: /name="times" value="([^"]+)"/)?.1))
        #expect(times.split(separator: " ").count == 6, "\(shown)")
        let done = try await curl("/jobs/late/backfill", "\(own) --data-urlencode 'times=\(times)'")
        #expect(done.status == "303", "\(done)")
        try await daemon.eventually("they ran") {
            try await daemon.objects("runs", "list", "--job", "late", "--trigger", "backfill", "--state", "completed")
                .count == 6
        }
        #expect(await daemon.stop() == 0)
    }

    /// The next time is skipped by a click, and runs after all by another one.
    @Test func aTimeIsSkippedAndTakenBack() async throws {
        try await start()
        let told = try await Browser().run(
            """
            browser.get(given[0])
            until("it lets in", lambda: browser.title == "Now · Carillon")
            size(1440, 900)
            base = browser.current_url.rstrip("/")
            browser.get(base + "/jobs?q=zone:Europe/Berlin")
            until("the one of that zone is found", lambda: len(all("table.jobs tbody tr")) == 1)
            one("table.jobs td.name a").click()
            until("its page is there", lambda: all("#when"))
            def next(): return one("#when time").get_attribute("datetime")
            first = next()
            one("#when .ask summary").click()
            one("#when .ask button").click()
            until("it is said to be skipped", lambda: "Skipped:" in one("#when").text)
            assert next() != first, first
            second = next()
            one("#when .skipping button").click()
            until("it runs after all", lambda: "Skipped:" not in one("#when").text)
            assert next() == first, next()
            print(json.dumps([first, second, complaints()]))
            """, try await link())
        let seen = try #require(try JSONSerialization.jsonObject(with: Data(told.utf8)) as? [Any])
        let (first, second) = (try #require(seen[0] as? String), try #require(seen[1] as? String))
        #expect(first < second && (seen[2] as? [String])?.isEmpty == true, "\(told)")
        let trail = try await daemon.objects("audit", "--limit", "2")
        #expect(trail.map { $0["action"] as? String } == ["unskip", "skip"], "\(trail)")
        #expect(trail.allSatisfy { $0["channel"] as? String == "page" }, "\(trail)")
        #expect(await daemon.stop() == 0)
    }

    @Test func aPersonLogsInAtAProvider() async throws {
        let provider = try OpenIDFixture()
        try await provider.start()
        try await start(
            """
            [api.oidc]
            issuer = "\(provider.issuer)"
            audience = "carillon"
            [web]
            client_id = "carillon"
            """)
        _ = try await Browser().run(
            """
            browser.get(given[0] + "/jobs/fails")
            until("it asks who that is", lambda: browser.title == "Log in · Carillon")
            one(".doors .button").click()
            until("the provider", lambda: all("#go"))
            one("[name=user]").send_keys("guest")
            one("[name=password]").send_keys("guest")
            one("#go").click()
            until("it goes where somebody wanted to go", lambda: browser.title == "fails · Carillon")
            cookies = {one["name"]: one for one in browser.get_cookies()}
            cookie = cookies["__Host-carillon"]
            assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Lax", cookie
            one(".menu summary").click()
            assert "guest" in one(".menu summary").text
            [one for one in all(".menu button") if one.text == "Log out"][0].click()
            until("out", lambda: browser.title == "Log in · Carillon")
            browser.get(given[0] + "/jobs")
            until("still out", lambda: browser.title == "Log in · Carillon")
            """, url)
        // Whoever brings what another browser began is not let in.
        let forged = try await curl("/login/callback?code=x&state=y", "-b carillon-login=z~%2F")
        #expect(forged.status == "400" && forged.body.contains("another browser"), "\(forged)")
        #expect(await daemon.stop() == 0)
    }

    // MARK: Who may

    @Test func whoMayOnlyLookSeesNoButtonAndIsRefusedByTheRoute() async throws {
        try await start()
        let cookie = "-b __Host-carillon=\(try await session("--read-only"))"
        let own = "-H 'Sec-Fetch-Site: same-origin' -H 'Accept: text/html'"
        for path in ["/", "/jobs", "/jobs/fails", "/runs", "/system", "/forecast", "/jobs/fails/why"] {
            let page = try await curl(path, "\(cookie) \(own)")
            #expect(page.status == "200", "\(path): \(page.head)")
            let forms = page.body.matches(of: /<form method="post" action="([^"]+)"/).map { String($0.1) }
            #expect(Set(forms).isSubset(of: ["/theme", "/logout"]), "\(path): \(forms)")
            #expect(!page.body.contains("sesame"))
            #expect(page.head.contains("default-src 'none'") && !page.body.contains("style=\""), "\(path)")
        }
        for path in [
            "/jobs/fails/run", "/jobs/fails/disable", "/jobs/fails/enable", "/jobs/fails/resolve", "/jobs/fails/stop",
            "/jobs/fails/skip", "/jobs/fails/unskip",
            "/runs/abcd/cancel", "/runs/abcd/retry", "/system/pause", "/system/resume", "/system/tokens/a/revoke",
            "/system/feeds/files/accept",
        ] {
            let refused = try await curl(path, "\(cookie) \(own) -d reason=x")
            #expect(refused.status == "403" && refused.body.contains("That needs"), "\(path): \(refused)")
        }
        // Nor does anybody without a session, whoever sends what.
        for path in ["/", "/jobs/fails", "/runs", "/system"] {
            let away = try await curl(path, "-H 'Accept: text/html'")
            #expect(away.status == "303" && away.head.lowercased().contains("location: /login"), "\(away.head)")
        }
        #expect(await daemon.stop() == 0)
    }

    /// A session counts for what the daemon's own pages send, and for nothing else.
    @Test func nobodyElsesPageActs() async throws {
        try await start()
        let cookie = "-b __Host-carillon=\(try await session())"
        for (headers, status) in [
            ("-H 'Sec-Fetch-Site: cross-site'", "403"), ("-H 'Sec-Fetch-Site: same-site'", "403"), ("", "403"),
            ("-H 'Origin: http://evil.example'", "403"), ("-H 'Origin: \(url)'", "303"),
            ("-H 'Sec-Fetch-Site: same-origin'", "303"),
        ] {
            let reply = try await curl("/jobs/by%20hand/run", "\(cookie) \(headers) -X POST")
            #expect(reply.status == status, "\(headers): \(reply)")
        }
        #expect(try await curl("/", "\(cookie) -H 'Host: evil.example'").status == "421")
        // Nobody is sent elsewhere after a login.
        let key = try #require(try await link().firstMatch(of: /key=([A-Za-z0-9_-]+)/)?.1)
        let entered = try await curl("/login", "-d key=\(key) -d to=//evil.example")
        #expect(
            entered.head.contains("\r\nLocation: /\r\n") || entered.head.contains("\r\nlocation: /\r\n"), "\(entered)")
        // A link is good once, and what is in it is no token.
        let again = try await curl("/login", "-d key=\(key)")
        #expect(again.status == "401" && again.body.contains("carillon open"), "\(again)")
        #expect(try await curl("/api/v1/jobs", "-H 'Authorization: Bearer \(key)'").status == "401")
        #expect(!daemon.log.contains(key))
        #expect(await daemon.stop() == 0)
    }

    @Test func theFirstLoadIsSmall() async throws {
        try await start()
        let told = try await Browser().run(
            """
            browser.get(given[0])
            until("it lets in", lambda: browser.title == "Now · Carillon")
            browser.execute_cdp_cmd("Network.clearBrowserCache", {})
            browser.get_log("performance")
            browser.get(given[0].split("/login")[0] + "/jobs")
            until("it is live", lambda: "live" in one("#state").text)
            events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
            streams = {e["params"]["requestId"] for e in events if e["method"] == "Network.requestWillBeSent"
                       and "/api/v1/events" in e["params"]["request"]["url"]}
            done = [e["params"] for e in events if e["method"] == "Network.loadingFinished" and e["params"]["requestId"] not in streams]
            print(json.dumps([len(done), sum(one["encodedDataLength"] for one in done)]))
            """, try await link())
        let figures = try #require(try JSONSerialization.jsonObject(with: Data(told.utf8)) as? [Int])
        #expect(figures[0] <= 4 && figures[1] <= 50_000, "requests and bytes: \(figures)")
        #expect(await daemon.stop() == 0)
    }
}
