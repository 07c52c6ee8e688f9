import ArgumentParser

struct LicenseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "license", abstract: "Licenses and the installations that hold their seats.",
        subcommands: [
            LicenseGenerate.self, LicenseValidate.self, LicenseList.self, LicenseShow.self, LicenseUpdateCommand.self,
            LicenseDeactivate.self, LicenseRefusals.self, LicenseRekey.self, LicenseSuspend.self, LicenseReinstate.self,
            LicenseRevoke.self, LicenseRenew.self, LicenseTransfer.self, LicenseMerge.self, LicenseImportCommand.self,
            LicenseFileCommand.self, LicenseOfflineKey.self,
        ])
}
