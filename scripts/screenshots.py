"""See screenshots.sh, which runs it."""
import os, sys, time
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

link, folder = sys.argv[1:3]
base = link.split("/login")[0]
# On this day clocks go forward in Berlin.
change = "/forecast?window=24h&zone=Europe/Berlin&from=2027-03-27T23:00:00Z"
pictures = {"now": "/", "why": "/jobs/eu-sync/why", "forecast": change}
others = {"jobs": "/jobs", "job": "/jobs/eu-sync", "runs": "/runs", "editor": "/editor", "system": "/system",
          "year": "/forecast?window=year", "week": "/forecast?window=7d"}

options = Options()
options.binary_location = "/usr/bin/chromium"
for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"): options.add_argument(word)
browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def size(width, height):
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def picture(page, theme, width, height, path):
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    # For whom the times are told.
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Berlin"})
    size(width, height)
    browser.get(base + page)
    time.sleep(1)
    browser.save_screenshot(path)
    print(path, os.path.getsize(path) // 1024, "KiB")


try:
    browser.get(link)
    time.sleep(2)
    # The browser tells its zone with the first page.
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Berlin"})
    browser.get(base + "/")
    if folder:
        os.makedirs(folder, exist_ok=True)
        for name, page in (pictures | others).items():
            for theme in ("light", "dark"):
                for width, height in ((1440, 900), (390, 844)):
                    picture(page, theme, width, height, f"{folder}/{name}-{theme}-{width}.png")
    else:
        os.makedirs("docs/images", exist_ok=True)
        picture(pictures["now"], "light", 1200, 820, "docs/images/now.png")
        picture(pictures["why"], "light", 1200, 620, "docs/images/why.png")
        picture(pictures["forecast"], "dark", 1200, 700, "docs/images/forecast.png")
finally:
    browser.quit()
