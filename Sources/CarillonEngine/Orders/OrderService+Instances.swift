import CarillonCore

/// Orders about those who share the store.
extension OrderService {
    /// Finds the last life of an instance, by its name or its id.
    private func instance(_ name: String) async throws -> InstanceRecord {
        let found = try await engine.store.instances().filter { $0.facts.name == name || $0.facts.id == name }
        let last = Dictionary(grouping: found, by: \.facts.id).compactMap { $1.max { $0.number < $1.number } }
        guard let one = last.first else {
            throw OrderError(.unknown, "there is no instance '\(name)'; see `carillon instances list`")
        }
        guard last.count == 1 else {
            let ids = last.map(\.facts.id).sorted().joined(separator: ", ")
            throw OrderError(.bad, "\(last.count) instances are called '\(name)'; say which by its id: \(ids)")
        }
        return one
    }

    func drain(_ name: String, _ isOn: Bool) async throws -> String {
        let record = try await instance(name)
        guard record.term != nil else { throw OrderError(.refused, "\(record.facts.name) is not in force") }
        guard engine.settings.shares else {
            throw OrderError(.refused, "this daemon has its store alone; there is nobody to take over")
        }
        try await engine.store.post([Mail(to: .machine(record.facts.id), .drain(isOn))])
        return isOn
            ? "\(record.facts.name) gives what it has, and takes nothing more until it is restarted or undrained"
            : "\(record.facts.name) takes its part again"
    }

    func forget(_ name: String) async throws -> String {
        let record = try await instance(name)
        guard record.term == nil else {
            throw OrderError(.refused, "\(record.facts.name) is in force; only one that is gone can be forgotten")
        }
        let jobs = try await reconciler.forget(machine: record.facts.id)
        try await engine.store.forget(record.facts.id)
        let words =
            jobs == 1 ? "1 job is removed that only its files had" : "\(jobs) jobs are removed that only its files had"
        return "\(record.facts.name) is forgotten" + (jobs == 0 ? "" : "; " + words)
    }
}
