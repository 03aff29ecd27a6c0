import CarillonCore

/// Writing the ledger, under the term that is in force.
extension Engine {
    /// Writes under the term that is in force, once no give is on its way whose answer would tell which one that is: of what
    /// `decide` answers then, in the same moment. Throws when this life is over by then.
    func write<Decision: Sendable, Value: Sendable>(
        of decide: () -> Decision, _ body: @Sendable (Decision, Term) async throws -> Value
    ) async throws -> Value {
        let life = life
        while isGateClosed { await withCheckedContinuation { gateWaiters.append($0) } }
        let term = sharing.term
        guard life == self.life else { throw StoreError(.leaseLost, "this instance has begun anew") }
        let decision = decide()
        writes += 1
        defer {
            writes -= 1
            if writes == 0, isGateClosed { resumeGateWaiters() }
        }
        do {
            return try await body(decision, term)
        } catch {
            refused(error, under: term)
            throw error
        }
    }

    func write<Value: Sendable>(_ body: @Sendable (Term) async throws -> Value) async throws -> Value {
        try await write(of: {}, { try await body($1) })
    }

    /// Keeps everybody from writing, and returns when nothing is on its way any more.
    func closeGate() async {
        isGateClosed = true
        while writes > 0 { await withCheckedContinuation { gateWaiters.append($0) } }
    }

    func openGate() {
        isGateClosed = false
        resumeGateWaiters()
    }

    private func resumeGateWaiters() {
        let resumed = gateWaiters
        gateWaiters = []
        for waiter in resumed { waiter.resume() }
    }
}
