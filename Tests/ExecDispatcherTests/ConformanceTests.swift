import CarillonTestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ConformanceTests {
    @Test(arguments: DispatcherConformance.allCases)
    func conforms(_ rule: DispatcherConformance) async throws {
        let fixture = try ExecFixture()
        defer { fixture.remove() }
        try await rule.run(fixture)
    }
}
