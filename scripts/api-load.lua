-- What wrk asks, see api-load.py: KIND JOBS BUSY TOKEN [PAUSE]. BUSY jobs, the first ones, have most of the runs; before each
-- request a connection pauses for so many milliseconds.
local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init(arguments)
   kind, jobs, busy = arguments[1], tonumber(arguments[2]), tonumber(arguments[3])
   wrk.headers["Authorization"] = "Bearer " .. arguments[4]
   math.randomseed(os.time() * 16 + number)
   local pause = tonumber(arguments[5] or 0)
   if pause > 0 then delay = function() return math.random(0, 2 * pause) end end
end

local function job(most) return string.format("job-%07d", math.random(0, most - 1)) end

local paths = {
   hello = function() return "/" end,
   seed = function() return "/api/jobs/" .. job(jobs) end,
   job = function() return "/api/v1/jobs/" .. job(jobs) end,
   runs = function()
      local filters = {"", "?state=failed", "?job=" .. job(busy)}
      return "/api/v1/runs" .. filters[math.random(#filters)]
   end,
}

-- All that the API is asked at once.
function paths.mixed()
   local kinds = {"seed", "job", "runs"}
   return paths[kinds[math.random(#kinds)]]()
end

function request() return wrk.format("GET", paths[kind]()) end

function done(summary, latency)
   local errors = summary.errors
   print(string.format(
      'JSON {"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "broken": %d}', summary.requests,
      summary.duration / 1000000, latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
