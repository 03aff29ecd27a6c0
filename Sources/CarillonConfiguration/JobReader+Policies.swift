import CarillonCore

extension JobReader {
    func readPolicies(_ table: inout ConfigTable, _ keys: (any TargetKeys.Type)?) -> Policies {
        var policies = Policies(overlap: keys?.defaultOverlap ?? .skip)
        policies.catchUp = table.catchUp() ?? policies.catchUp
        policies.overlap = readOverlap(&table) ?? policies.overlap
        policies.window = table.span("window")
        policies.startTimeout = table.span("start_timeout")
        policies.timeout = table.span("timeout")
        policies.heartbeatTimeout = table.span("heartbeat_timeout")
        if let keys, !keys.hasHeartbeats, policies.heartbeatTimeout != nil {
            table.complain(
                "heartbeat_timeout", "\(keys.executor) gives no signs of life; bound the run by timeout")
        }
        policies.onLost = table.choice("on_lost", OnLost.self) ?? .fail
        policies.onFailure = table.choice("on_failure", OnFailure.self) ?? .proceed
        policies.maxRuns = table.integer("max_runs", in: 1...Int64.max)
        policies.maxQueue = table.integer("max_queue", in: 1...1_000_000).map { Int($0) }
        policies.signs = readSigns(&table, keys)
        policies.retry = readRetry(&table) ?? .none
        policies.host = table.string("host")
        return policies
    }

    private func readSigns(_ table: inout ConfigTable, _ keys: (any TargetKeys.Type)?) -> Signs? {
        let cancelTimeout = table.span("cancel_timeout")
        let most = table.integer("max_republications", in: 0...1_000_000)
        guard var signs = keys?.signs else {
            for key in ["cancel_timeout", "max_republications"] where table.has(key) && keys != nil {
                table.complain(key, "belongs to workers on a bus, and this is a job of another kind")
            }
            return nil
        }
        signs.cancelTimeout = cancelTimeout ?? signs.cancelTimeout
        signs.maxRepublications = most.map { Int($0) }
        return signs
    }

    private enum OverlapWord: String, CaseIterable { case allow, skip, queue, replace }

    private func readOverlap(_ table: inout ConfigTable) -> Overlap? {
        if case .table? = table.node["overlap"]?.value {
            return table.table("overlap") { inner -> Overlap? in
                if !inner.has("queue") { inner.complain(nil, "expected { queue = MOST_WAITING }") }
                return inner.integer("queue", in: 1...1_000_000).map { .queue(max: Int($0)) }
            } ?? nil
        }
        switch table.choice("overlap", OverlapWord.self) {
        case .allow: return .allow
        case .skip: return .skip
        case .queue: return .queue(max: 1)
        case .replace: return .replace
        case nil: return nil
        }
    }

    private func readRetry(_ table: inout ConfigTable) -> Retry? {
        table.table("retry") { inner in
            var retry = Retry(attempts: Int(inner.integer("attempts", in: 1...1_000) ?? 1))
            if !inner.has("attempts") { inner.complain(nil, "needs attempts: how many tries in all") }
            retry.backoff = inner.span("backoff") ?? retry.backoff
            retry.longestBackoff = inner.span("max_backoff") ?? max(retry.longestBackoff, retry.backoff)
            if let causes = inner.strings("on") {
                retry.on = []
                for word in causes {
                    if let cause = Retry.Cause(rawValue: word) {
                        retry.on.insert(cause)
                    } else {
                        inner.complain("on", "\"\(word)\" is none of \"failure\", \"timeout\"")
                    }
                }
            }
            return retry
        }
    }
}
