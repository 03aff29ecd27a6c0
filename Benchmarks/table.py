"""Makes one table of figures, a JSON object a line, with the ratios to the peers; writes them as JSON too."""
import json
import os
import platform
import sys

figures = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
value = {figure["name"]: figure["value"] for figure in figures}
if "timetable" in value and "cronsim" in value:
    ratio = value["timetable"] / value["cronsim"]
    figures.insert(2, {"name": "timetable against cronsim", "unit": "times", "value": ratio})

width = max(len(figure["name"]) for figure in figures)
print(f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}")
for figure in figures:
    number = figure["value"]
    text = f"{number:,.0f}" if abs(number) >= 1000 else f"{number:,.2f}"
    print(f"{figure['name']:<{width}}  {text:>14} {figure['unit']}")
with open(sys.argv[2], "w") as file:
    json.dump({"cores": os.cpu_count(), "machine": platform.machine(), "figures": figures}, file, indent=2)
    file.write("\n")
