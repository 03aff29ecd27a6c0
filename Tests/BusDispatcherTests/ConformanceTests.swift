import BusDispatcher
import CarillonTestSupport
import Testing

/// What every dispatcher must do.
@Suite(.timeLimit(.minutes(5))) struct ConformanceTests {
    @Test(arguments: DispatcherConformance.allCases, BusTarget.Topology.allCases)
    func conforms(_ rule: DispatcherConformance, _ topology: BusTarget.Topology) async throws {
        try await rule.run(InProcessFixture(topology))
    }
}
