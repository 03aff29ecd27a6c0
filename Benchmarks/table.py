"""Makes one table of figures, a JSON object a line, with the ratios to the peers; writes them as JSON too."""
import json
import os
import platform
import sys

figures = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
value = {figure["name"]: figure["value"] for figure in figures}


def ratio(name, figure, peer):
    """After the peer's figure, how many times as much ours is."""
    ours = next((key for key in value if key.startswith(figure) and not key.endswith("CPU")), None)
    theirs = next((key for key in value if key.startswith(peer)), None)
    if ours and theirs:
        place = [entry["name"] for entry in figures].index(theirs) + 1
        figures.insert(place, {"name": name, "unit": "times", "value": value[ours] / value[theirs]})


ratio("timetable against cronsim", "timetable", "cronsim")
ratio("RQ burst against rq-scheduler", "RQ burst of", "rq-scheduler")

width = max(len(figure["name"]) for figure in figures)
print(f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}")
for figure in figures:
    number = figure["value"]
    text = f"{number:,.0f}" if abs(number) >= 1000 else f"{number:,.2f}"
    print(f"{figure['name']:<{width}}  {text:>14} {figure['unit']}")
with open(sys.argv[2], "w") as file:
    json.dump({"cores": os.cpu_count(), "machine": platform.machine(), "figures": figures}, file, indent=2)
    file.write("\n")
