import CarillonCore
import CarillonTestSupport
import MemoryStore
import Testing

@Suite struct InstanceConformanceTests {
    @Test(arguments: InstanceConformance.checks)
    func memory(_ check: Check<any JobStore>) async throws { try await check.run(MemoryStore()) }
}
