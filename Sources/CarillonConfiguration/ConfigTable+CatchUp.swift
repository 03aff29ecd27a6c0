package import CarillonCore

extension ConfigTable {
    private enum CatchUpWord: String, CaseIterable { case skip, latest, all }

    /// Reads the policy under `catch_up`: a word, or `{ all = LIMIT, rate = PER_SECOND }`.
    package mutating func catchUp() -> CatchUp? {
        if case .table? = node["catch_up"]?.value {
            return table("catch_up") { inner -> CatchUp? in
                let limit = inner.integer("all", in: 1...Int64(CatchUp.mostAll))
                if !inner.has("all") { inner.complain(nil, "expected { all = LIMIT, rate = PER_SECOND }") }
                let rate = inner.number("rate", in: 0.001...10_000) ?? CatchUp.defaultRate
                return limit.map { .all(limit: Int($0), rate: rate) }
            } ?? nil
        }
        switch choice("catch_up", CatchUpWord.self) {
        case .skip: return .skip
        case .latest: return .latest
        case .all: return .all(limit: CatchUp.mostAll, rate: CatchUp.defaultRate)
        case nil: return nil
        }
    }
}
