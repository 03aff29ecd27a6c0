import CarillonTestSupport
import Testing

/// What every dispatcher must do, with real workers of both releases.
@Suite(.timeLimit(.minutes(5))) struct ConformanceTests {
    @Test(arguments: DispatcherConformance.allCases, RQWorker.Release.allCases)
    func conforms(_ rule: DispatcherConformance, _ release: RQWorker.Release) async throws {
        try await rule.run(try await RQFixture(release))
    }
}
