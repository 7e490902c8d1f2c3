package match

import (
	"errors"
	"slices"
	"strings"

	"fanmill/classify/attached"
)

// Executable is the word for all endings of ExecutableEndings.
const Executable = "executable"

// ExecutableEndings are the endings of files that a system runs, installs or mounts when
// somebody opens them: after the lists of what Gmail and Outlook block
// (https://support.google.com/mail/answer/6590), with the programs of other systems. Files
// of programming languages that people send each other (py, pl, rb) are not among them,
// nor are documents, whatever macros they hold.
var ExecutableEndings = strings.Fields(`
	com exe scr pif cpl dll ocx sys bat cmd
	vb vbe vbs js jse ws wsf wsh wsc sct hta
	ps1 ps1xml ps2 ps2xml psc1 psc2 msh msh1 msh2
	msi msp mst msix msixbundle appx appxbundle appinstaller application gadget
	lnk url scf website library-ms search-ms settingcontent-ms clsid
	reg inf ins isp msc chm hlp shb shs xbap xll diagcab diagcfg diagpkg
	jar jnlp iso img vhd vhdx
	sh bash csh ksh zsh command elf macho app dmg pkg mpkg deb rpm run appimage apk`)

// endingOf are the endings that go with media types, for parts that say by their type what
// their name does not.
var endingOf = map[string]string{
	"application/x-msdownload": "exe", "application/x-msdos-program": "exe", "application/x-dosexec": "exe",
	"application/vnd.microsoft.portable-executable": "exe", "application/x-ms-dos-executable": "exe", "application/exe": "exe", "application/x-exe": "exe",
	"application/x-bat": "bat", "application/bat": "bat", "application/x-msi": "msi", "application/x-ole-storage-msi": "msi",
	"application/x-ms-installer": "msi", "application/msix": "msix", "application/appx": "appx", "application/x-ms-application": "application",
	"application/x-ms-shortcut": "lnk", "application/x-mswinurl": "url", "application/internet-shortcut": "url",
	"application/hta": "hta", "text/vbscript": "vbs", "text/vbs": "vbs", "application/x-vbscript": "vbs",
	"text/javascript": "js", "application/javascript": "js", "application/x-javascript": "js", "text/jscript": "js", "application/ecmascript": "js", "text/ecmascript": "js",
	"application/x-powershell": "ps1", "application/vnd.ms-htmlhelp": "chm",
	"application/java-archive": "jar", "application/x-java-archive": "jar", "application/x-java-jnlp-file": "jnlp",
	"application/x-sh": "sh", "application/x-shellscript": "sh", "text/x-sh": "sh", "text/x-shellscript": "sh", "application/x-csh": "csh",
	"application/x-executable": "elf", "application/x-elf": "elf", "application/x-pie-executable": "elf", "application/x-sharedlib": "elf",
	"application/x-mach-binary": "macho", "application/x-apple-diskimage": "dmg", "application/vnd.apple.installer+xml": "pkg",
	"application/vnd.debian.binary-package": "deb", "application/x-debian-package": "deb", "application/x-rpm": "rpm",
	"application/vnd.android.package-archive": "apk", "application/x-iso9660-image": "iso", "application/vnd.efi.iso": "iso",
}

// Attachments are compiled entries of reject_attachments; nil refuses none.
type Attachments struct {
	endings map[string]bool
}

// CompileAttachments reads endings, with or without their dot, and the word Executable.
func CompileAttachments(option string, entries []string) (a *Attachments, errs []error) {
	if len(entries) == 0 {
		return nil, nil
	}
	a = &Attachments{endings: map[string]bool{}}
	for _, entry := range entries {
		ending := strings.ToLower(strings.TrimPrefix(entry, "."))
		switch {
		case ending == Executable:
			for _, e := range ExecutableEndings {
				a.endings[e] = true
			}
		case ending == "" || len(ending) > 20 || strings.Trim(ending, "abcdefghijklmnopqrstuvwxyz0123456789-_~") != "":
			errs = append(errs, &OptionError{
				Option: option, Entry: entry, Err: errors.New("is not the ending of a file name"),
				Hint: "write what stands behind the last dot, such as exe, or the word " + Executable,
			})
		case strings.HasPrefix(ending, Executable):
			errs = append(errs, &OptionError{Option: option, Entry: entry, Err: errors.New("is not a known word"), Hint: "write " + Executable})
		default:
			a.endings[ending] = true
		}
	}
	return a, errs
}

// Find returns the first that is refused: by its name, by the type it is said to have, or
// by its first bytes.
func (a *Attachments) Find(list []attached.File) (found attached.File, ok bool) {
	if a == nil {
		return found, false
	}
	i := slices.IndexFunc(list, func(x attached.File) bool {
		return a.endings[x.Ending] || a.endings[x.Kind] || a.endings[endingOf[x.Type]]
	})
	if i < 0 {
		return found, false
	}
	return list[i], true
}
