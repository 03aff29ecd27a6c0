public import RedisClient

/// Everything that must happen at once on the server. Keys are made inside, so a cluster cannot run them.
public enum RQScripts {
    /// Seconds a guard lives when nobody records the outcome.
    static let guardLife = 7 * 86_400
    /// Seconds a guard lives past the recorded outcome.
    static let guardRest = 3_600
    /// Seconds that a failed job stays in Redis: RQ's own `DEFAULT_FAILURE_TTL`.
    static let failureTTL: Int64 = 31_536_000
    /// Seconds that a job lives on which was cancelled before anybody took it.
    static let cancelledTTL = 500

    public static let enqueueWords = 9
    /// Seconds that a script may take on its way: well below the time that guards live on.
    static let longestWay: Int64 = 1_800
    /// What a script that took longer answers.
    static let lateAnswer = "LATE the script of an enqueue was too long on its way"

    /// Enqueues runs, each under its guard. Words of a run: id, queue, data, created at, description, time-out, result_ttl,
    /// what the guard says, what RQ keeps with it. Answers for each 1 (enqueued), 0 (known already) or an error's text.
    ///
    /// One word more is the second by the server's own clock up to which it may come: of a machine that stood still for hours what
    /// lay in its socket arrives when other instances have long done all of it, and its guards are gone.
    ///
    /// A server that writes nothing (full, read-only, failing snapshots) refuses the first write, and with it the script.
    public static let enqueue = RedisScript(
        """
        local answers, seen = {}, {}
        local rest = #ARGV % \(enqueueWords)
        if rest == 1 then
          if redis.replicate_commands then redis.replicate_commands() end
          if tonumber(redis.call('TIME')[1]) > tonumber(ARGV[#ARGV]) then return redis.error_reply('\(lateAnswer)') end
        end
        for i = 1, #ARGV - rest, \(enqueueWords) do
          local id, queue = ARGV[i], ARGV[i + 1]
          local guard, job, list = 'carillon:guard:' .. id, 'rq:job:' .. id, 'rq:queue:' .. queue
          local answer = 0
          if redis.call('EXISTS', guard, job) == 0 then
            redis.call('SET', guard, ARGV[i + 7], 'EX', \(guardLife))
            redis.call('HSET', job, 'created_at', ARGV[i + 3], 'enqueued_at', ARGV[i + 3], 'data', ARGV[i + 2],
              'origin', queue, 'description', ARGV[i + 4], 'timeout', ARGV[i + 5], 'result_ttl', ARGV[i + 6],
              'failure_ttl', '\(failureTTL)', 'status', 'queued', 'meta', ARGV[i + 8])
            answer = 1
            local pushed = redis.pcall('RPUSH', list, id)
            if type(pushed) == 'table' and pushed.err then
              redis.call('DEL', guard, job)
              answer = pushed.err
            elseif not seen[queue] then
              seen[queue] = true
              redis.call('SADD', 'rq:queues', list)
            end
          end
          answers[#answers + 1] = answer
        end
        return answers
        """)

    /// What Redis knows of each job: guard, then of its hash status, origin, result_ttl, started_at, ended_at, exc_info, then of
    /// its newest result type and exc_string. Missing ones are nil.
    static let look = RedisScript(
        """
        local answers = {}
        for i, id in ipairs(ARGV) do
          local job = 'rq:job:' .. id
          local h = redis.call('HMGET', job, 'status', 'origin', 'result_ttl', 'started_at', 'ended_at', 'exc_info')
          local answer = {redis.call('GET', 'carillon:guard:' .. id), h[1], h[2], h[3], h[4], h[5], h[6]}
          if h[1] == 'failed' or h[1] == 'stopped' then
            local last = redis.call('XREVRANGE', 'rq:results:' .. id, '+', '-', 'COUNT', 1)[1]
            if last then
              for f = 1, #last[2], 2 do
                if last[2][f] == 'exc_string' then answer[8] = last[2][f + 1] end
              end
            end
          end
          for f = 1, 8 do if answer[f] == nil then answer[f] = false end end
          answers[i] = answer
        end
        return answers
        """)

    /// Ends a job: takes it off its queue, or tells its worker to stop it. Answers `removed`, `told`, `taken` (between queue and
    /// start) or `ended`.
    static let cancel = RedisScript(
        """
        local id = ARGV[1]
        local job = 'rq:job:' .. id
        local h = redis.call('HMGET', job, 'status', 'origin', 'worker_name')
        if not h[1] then return 'ended' end
        if h[2] and redis.call('LREM', 'rq:queue:' .. h[2], 0, id) > 0 then
          redis.call('HSET', job, 'status', 'canceled')
          redis.call('EXPIRE', job, \(cancelledTTL))
          return 'removed'
        end
        if h[1] == 'started' and h[3] and h[3] ~= '' then
          redis.call('PUBLISH', 'rq:pubsub:' .. h[3], '{"command": "stop-job", "job_id": "' .. id .. '"}')
          return 'told'
        end
        if h[1] == 'queued' or h[1] == 'started' then return 'taken' end
        return 'ended'
        """)

    /// Puts a job on its queue again, unless it waits there or runs. Answers `queued` or `active` with queue or status, or nothing.
    static let requeue = RedisScript(
        """
        local job = 'rq:job:' .. ARGV[1]
        local h = redis.call('HMGET', job, 'status', 'origin', 'data')
        if not h[2] or not h[3] then return {} end
        if h[1] == 'queued' or h[1] == 'started' then return {'active', h[1]} end
        redis.call('HSET', job, 'status', 'queued', 'enqueued_at', ARGV[2])
        redis.call('PERSIST', job)
        redis.call('HDEL', job, 'started_at', 'ended_at', 'exc_info')
        for _, registry in ipairs({'finished', 'failed', 'canceled', 'deferred', 'scheduled'}) do
          redis.call('ZREM', 'rq:' .. registry .. ':' .. h[2], ARGV[1])
        end
        redis.call('RPUSH', 'rq:queue:' .. h[2], ARGV[1])
        redis.call('SADD', 'rq:queues', 'rq:queue:' .. h[2])
        return {'queued', h[2]}
        """)

    /// The ledger has these outcomes: the guards live an hour more.
    static let release = RedisScript(
        """
        for _, id in ipairs(ARGV) do redis.call('EXPIRE', 'carillon:guard:' .. id, \(guardRest)) end
        return #ARGV
        """)

    /// How many living workers listen to each queue; a worker that died leaves its name in the set, but no key.
    static let listeners = RedisScript(
        """
        local answers = {}
        for i, queue in ipairs(ARGV) do
          local alive = 0
          for _, worker in ipairs(redis.call('SMEMBERS', 'rq:workers:' .. queue)) do
            alive = alive + redis.call('EXISTS', worker)
          end
          answers[i] = alive
        end
        return answers
        """)
}
