import Foundation

/// A real browser without a window, which a program in Python drives.
public struct Browser: Sendable {
    private let folder: TemporaryFolder
    private let python: String

    public init() throws {
        folder = try TemporaryFolder()
        python = try VirtualEnvironment.program("oidc/bin/python")
    }

    /// Runs `program` in a browser of its own; answers what it prints. It has `browser`, `until(what, condition)`, `one(selector)`,
    /// `all(selector)`, `axe()`, which answers the violations, `hosts()` and `complaints()`, and these arguments as `given`.
    public func run(_ program: String, _ given: String...) async throws -> String {
        let script = try VirtualEnvironment.file("axe/axe.min.js")
        let path = try folder.write("drive.py", Self.prelude + program)
        return try await Program.output(python, [path, folder.path + "/profile", script] + given)
    }

    private static let prelude = """
        import json, sys, time
        from selenium import webdriver
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.support.ui import WebDriverWait
        import atexit, urllib.parse

        given = sys.argv[3:]
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--user-data-dir=" + sys.argv[1]):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        atexit.register(browser.quit)

        def until(what, condition, seconds=60):
            try:
                WebDriverWait(browser, seconds, 0.1).until(lambda _: condition())
            except TimeoutException:
                sys.exit("never: " + what + "; at " + browser.current_url + ":\\n" + text())

        def one(selector): return browser.find_element(By.CSS_SELECTOR, selector)
        def all(selector): return browser.find_elements(By.CSS_SELECTOR, selector)
        def text(): return browser.find_element(By.TAG_NAME, "body").text

        def theme(name):
            feature = {"name": "prefers-color-scheme", "value": name}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

        def size(width, height):
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

        def axe():
            browser.execute_script(open(sys.argv[2]).read())
            found = browser.execute_async_script(
                "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(done)")
            return [one["id"] + " " + one["nodes"][0]["html"][:200] for one in found["violations"]]

        def complaints(): return [entry["message"] for entry in browser.get_log("browser")]

        def requests():
            events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
            return [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]


        """
}
