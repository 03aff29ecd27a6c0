import CarillonCore

/// Where a job's runs go: one of the systems knows.
extension JobReader {
    struct Chosen {
        /// Nil when something is wrong with it.
        var target: Target?
        var keys: any TargetKeys.Type
    }

    /// Reads a job's target; nil for a job without one, or with several.
    func readTarget(_ table: inout ConfigTable) -> Chosen? {
        var given: [String] = []
        var chosen: (any TargetKeys.Type)?
        for keys in targets {
            for key in keys.chosenBy where table.has(key) {
                given.append(key)
                chosen = keys
            }
        }
        guard given.count == 1, let keys = chosen else {
            // Whatever belongs to one of them is not looked into.
            var selectors: [String] = []
            for keys in targets {
                selectors += keys.chosenBy
                for key in keys.chosenBy + keys.beside { _ = table.value(key) }
            }
            if given.isEmpty {
                table.complain(nil, "a job needs \(Self.words(selectors, "or"))")
            } else {
                table.complain(given[1], "a job has one target; this one has \(Self.words(given, "and"))")
            }
            return nil
        }
        let key = given[0]
        let own = keys.chosenBy + keys.beside
        for other in targets {
            for stranger in other.beside where !own.contains(stranger) && table.has(stranger) {
                _ = table.value(stranger)
                table.complain(
                    stranger, "belongs to \(Self.words(other.chosenBy, "and")), and this is a job with \(key)")
            }
        }
        return Chosen(target: seal(keys, key, &table), keys: keys)
    }

    /// Complains of a body that nobody can execute, unless there are complaints enough.
    private func seal<Keys: TargetKeys>(_ keys: Keys.Type, _ key: String, _ table: inout ConfigTable) -> Target? {
        guard let body = keys.read(&table) else { return nil }
        do throws(TargetFault) {
            return try Target(body)
        } catch {
            if table.problems.isEmpty { table.complain(key, error.message) }
            return nil
        }
    }

    private static func words(_ list: [String], _ last: String) -> String {
        guard list.count > 1, let end = list.last else { return list.first ?? "" }
        return list.dropLast().joined(separator: ", ") + " \(last) \(end)"
    }
}
