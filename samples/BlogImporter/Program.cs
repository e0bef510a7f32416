return await BlogImporter.ImporterCommandLine.RunAsync(args);
